"""`km3hub up | down | status | clean | install`: the platform of this checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Literal

import click
from filelock import FileLock, Timeout

import km3hub
from km3hub import settings as platform_settings
from km3hub.settings import Settings, SettingsError
from km3hub.state import Runtime, State
from km3hub.up.embedded import Embedded
from km3hub.up.failure import Failure
from km3hub.up.first_login import create_first_accounts

__all__ = ["clean", "down", "install", "status", "up"]

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="KM3_STATE",
    help="The state folder (default: .platform of the checkout).",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=platform_settings.FILE_VARIABLE,
    help="The settings (default: config/platform.yaml of the checkout).",
)
project_option = click.option(
    "--project", envvar="KM3_PROJECT", default="km3net", help="Prefix of all names in Docker."
)


def checkout() -> Path:
    """The checkout that this program was installed from."""
    root = Path(km3hub.__file__).resolve().parents[4]
    if not (root / "docker-compose.yml").exists():
        raise Failure("This command needs the checkout of the platform; run it as: make up")
    return root


@contextmanager
def told() -> Iterator[None]:
    """Show a failure as a sentence, not as a traceback."""
    try:
        yield
    except (Failure, SettingsError) as error:
        click.echo(click.style("Stopped: ", fg="red", bold=True) + str(error), err=True)
        sys.exit(2 if isinstance(error, SettingsError) else 1)


@contextmanager
def alone(state: State) -> Iterator[None]:
    """One start or stop at a time."""
    state.create()
    try:
        with FileLock(state.run / "up.lock", timeout=0):
            yield
    except Timeout:
        raise Failure(
            "Another `make up` or `make down` of this folder is running; wait until it is done."
        ) from None


def settings_file(root: Path, given: Path | None) -> Path:
    """The settings file; the default one is written with every default as a comment."""
    if given:
        if not given.exists():
            raise Failure(f"{given} does not exist; name a platform.yaml with --config")
        return given.resolve()
    path = root / "config" / "platform.yaml"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        example = resources.files("km3hub").joinpath("platform-example.yaml")
        path.write_bytes(example.read_bytes())
    return path


def engine_answers() -> bool:
    """Whether a Docker Engine answers."""
    if not shutil.which("docker"):
        return False
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=15).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def choose_mode(asked: str, settings: Settings) -> tuple[Literal["embedded", "docker"], str]:
    """The mode and why, in words."""
    if asked in ("embedded", "docker"):
        return ("embedded" if asked == "embedded" else "docker"), "as asked"
    if settings.spawner.kind == "process":
        return "embedded", "spawner.kind is process"
    if settings.spawner.kind == "docker":
        return "docker", "spawner.kind is docker"
    if engine_answers():
        return "docker", "a Docker Engine answers"
    return "embedded", "no Docker Engine answers"


def say(text: str) -> None:
    """One step of a long work."""
    click.echo(f"  {text} ...")


@click.command()
@click.option("--mode", type=click.Choice(["auto", "embedded", "docker"]), default="auto")
@click.option("--port", type=click.IntRange(1024, 65000), default=8000, show_default=True)
@state_option
@config_option
@project_option
def up(mode: str, port: int, state: Path | None, config: Path | None, project: str) -> None:
    """Start the platform and print how to log in."""
    with told():
        root = checkout()
        file = settings_file(root, config)
        settings = platform_settings.load(file)
        chosen, reason = choose_mode(mode, settings)
        runtime = Runtime(chosen, port, project, State((state or root / ".platform").resolve()))
        kind = "local processes" if chosen == "embedded" else "containers"
        click.echo(f"{settings.site.name}: {kind} ({reason})")
        started = time.monotonic()
        with alone(runtime.state):
            _refuse_other_mode(runtime)
            if chosen == "embedded":
                address, data, news = _up_embedded(root, runtime, settings, file)
            else:
                from km3hub.up.containers import Containers

                containers = Containers(
                    root=root, runtime=runtime, settings_file=file, say=say
                )
                news = containers.start(settings)
                address, data = containers.address, containers.data
            _mode_file(runtime.state).write_text(chosen)
        _report(address, data, news, runtime, time.monotonic() - started)


def _up_embedded(
    root: Path, runtime: Runtime, settings: Settings, file: Path
) -> tuple[str, str, bool]:
    embedded = Embedded(root=root, runtime=runtime, settings_file=file, say=say)
    embedded.install(settings)
    news = create_first_accounts(runtime.state)
    if embedded.answers():
        say("It runs already")
    else:
        say("Starting hub and proxy")
        embedded.start()
    return embedded.address, f"{runtime.state.homes} (homes), {runtime.state.root}", news


def _mode_file(state: State) -> Path:
    return state.root / "mode"


def _mode_of(state: State) -> str:
    path = _mode_file(state)
    return path.read_text().strip() if path.exists() else ""


def _refuse_other_mode(runtime: Runtime) -> None:
    before = _mode_of(runtime.state)
    if before and before != runtime.mode and _runs(before, runtime):
        raise Failure(
            f"The platform runs in the mode {before}; stop it first: make down. Homes and accounts"
            " of the two modes are separate; neither is lost."
        )


def _runs(mode: str, runtime: Runtime) -> bool:
    if mode == "embedded":
        file = checkout() / "config" / "platform.yaml"
        return Embedded(root=checkout(), runtime=runtime, settings_file=file, say=say).runs()
    from km3hub.up.containers import Containers

    return Containers(
        root=checkout(), runtime=runtime, settings_file=checkout() / "config", say=say
    ).runs()


def _report(address: str, data: str, news: bool, runtime: Runtime, seconds: float) -> None:
    bold = click.style
    click.echo()
    click.echo(f"  Open     {bold(address, bold=True, fg='green')}   (ready in {seconds:.1f} s)")
    if news:
        click.echo("  Log in   with one of these accounts, shown this once:")
        for line in runtime.state.first_login.read_text().splitlines():
            if line and not line.startswith("#"):
                click.echo(f"             {bold(line, bold=True)}")
        click.echo(f"           kept in {runtime.state.first_login}")
    elif runtime.state.first_login.exists():
        click.echo(f"  Log in   first passwords: {runtime.state.first_login}")
    click.echo("           more accounts: .venv/bin/km3hub accounts add NAME")
    click.echo(f"  Data     {data}")
    click.echo("  Stop     make down   (keeps all data)")


@click.command()
@state_option
@project_option
def down(state: Path | None, project: str) -> None:
    """Stop hub, proxy and users' servers; all data are kept."""
    with told():
        root = checkout()
        folder = State((state or root / ".platform").resolve())
        if not folder.root.exists():
            click.echo("Nothing runs here.")
            return
        with alone(folder):
            stopped = False
            config = root / "config" / "platform.yaml"
            if _mode_of(folder) == "docker":
                from km3hub.up.containers import Containers

                runtime = Runtime("docker", 0, project, folder)
                stopped = Containers(
                    root=root, runtime=runtime, settings_file=config, say=say
                ).stop()
            runtime = Runtime("embedded", 0, project, folder)
            embedded = Embedded(root=root, runtime=runtime, settings_file=config, say=say)
            stopped = embedded.stop() or stopped
        click.echo("Stopped; all data are kept." if stopped else "Nothing runs here.")


@click.command()
@state_option
@project_option
def status(state: Path | None, project: str) -> None:
    """Say whether the platform of this checkout runs."""
    with told():
        folder = State((state or checkout() / ".platform").resolve())
        mode = _mode_of(folder)
        runtime = Runtime("embedded", 0, project, folder)
        runs = bool(mode) and _runs(mode, runtime)
        click.echo(f"The platform runs ({mode})." if runs else "The platform does not run.")
        sys.exit(0 if runs else 1)


@click.command()
@state_option
@config_option
def install(state: Path | None, config: Path | None) -> None:
    """Install what embedded mode needs, without starting anything."""
    with told():
        root = checkout()
        file = settings_file(root, config)
        runtime = Runtime("embedded", 0, "km3net", State((state or root / ".platform").resolve()))
        with alone(runtime.state):
            Embedded(root=root, runtime=runtime, settings_file=file, say=say).install(
                platform_settings.load(file)
            )


@click.command()
@state_option
@project_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean(state: Path | None, project: str, yes: bool) -> None:
    """Delete what the platform made: accounts, homes, environments. Asks first."""
    with told():
        root = checkout()
        folder = State((state or root / ".platform").resolve())
        mode = _mode_of(folder)
        if mode and _runs(mode, Runtime("embedded", 0, project, folder)):
            raise Failure("The platform runs; stop it first: make down")
        click.echo("This deletes, for ever:")
        click.echo(f"  {folder.root}   accounts, homes of embedded mode, environments, logs")
        volumes: list[str] = []
        if engine_answers():
            from km3hub.up.containers import Containers

            runtime = Runtime("docker", 0, project, folder)
            containers = Containers(
                root=root, runtime=runtime, settings_file=root / "config", say=say
            )
            volumes = containers.volumes()
            for volume in volumes:
                click.echo(f"  Docker volume {volume}")
        click.echo("It keeps config/platform.yaml, the images and .venv.")
        if not yes and click.prompt("Type the word delete to go on", default="") != "delete":
            click.echo("Nothing was deleted.")
            return
        if volumes:
            containers.delete_volumes()
        shutil.rmtree(folder.root, ignore_errors=True)
        click.echo("Deleted.")
