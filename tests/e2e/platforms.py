"""Platforms started by tests with the command that users run, on separate ports and names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from km3settings.names import PROJECT_LABEL
from tests.commands import run
from tests.ports import free_ports
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests" / ".results"
#: Difference between the ports of the Open Data Center and of the login page.
PORTAL = 90
KM3HUB = Path(sys.executable).with_name("km3hub")
#: The first words of a command.
Program = tuple[str | Path, ...]


@dataclass
class Platform:
    """A running platform, and the account to log in with."""

    mode: str
    state: Path
    config: Path
    project: str
    address: str
    user: str
    password: str
    admin_password: str
    program: Program = (KM3HUB,)

    @property
    def port(self) -> int:
        """The login page's port."""
        return int(self.address.rsplit(":", 1)[1])

    @property
    def portal(self) -> str:
        """The Open Data Center's address."""
        return f"http://127.0.0.1:{self.port + PORTAL}"

    def await_portal(self, seconds: float = 120) -> None:
        """Wait until the Open Data Center answers; by then it is filled."""
        wait_until(
            lambda: answers(f"{self.portal}/health"),
            seconds=seconds,
            what=lambda: f"the portal answers\n{self.command('status').stdout}",
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `km3hub ARGUMENTS` for this platform."""
        return km3hub(*arguments, *self.options, program=self.program)

    @property
    def options(self) -> list[str]:
        return options(self.state, self.config, self.project)

    def stop(self) -> None:
        self.command("down")
        if self.mode == "docker":
            self.command("clean", "--yes")

    def api(self, name: str, password: str) -> Person:
        """Return a person who has logged in and has a token."""
        return Person.log_in(self.address, name, password)


@dataclass
class Person:
    """A logged-in user who calls the API of hub and server."""

    address: str
    name: str
    token: str

    @classmethod
    def log_in(cls, address: str, name: str, password: str) -> Person:
        with httpx.Client(base_url=address, timeout=150, follow_redirects=False) as client:
            client.get("/hub/login")
            form = {"username": name, "password": password, "_xsrf": xsrf(client)}
            answer = client.post("/hub/login", data=form)
            assert answer.status_code == 302, f"login of {name}: {answer.status_code}"
            client.get("/hub/home")
            answer = client.post(
                f"/hub/api/users/{name}/tokens", headers={"X-XSRFToken": xsrf(client)}, json={}
            )
            assert answer.status_code == 201, answer.text
            return cls(address, name, answer.json()["token"])

    def api_answers(self) -> bool:
        """Return whether the hub still accepts this login."""
        with self.client() as client:
            return client.get(f"/hub/api/users/{self.name}").status_code == 200

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"token {self.token}"}
        return httpx.Client(base_url=self.address, timeout=150, headers=headers)


def xsrf(client: httpx.Client) -> str:
    """Return the hub's XSRF token (a user's server has a different one)."""
    return next(
        c.value for c in client.cookies.jar if c.name == "_xsrf" and c.path.endswith("/hub/")
    )


def answers(url: str) -> bool:
    """Return whether an address answers with success."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def options(state: Path, config: Path, project: str) -> list[str]:
    return ["--state", str(state), "--config", str(config), "--project", project]


def km3hub(
    *arguments: str, timeout: float = 600, program: Program = (KM3HUB,)
) -> subprocess.CompletedProcess[str]:
    return run(*program, *arguments, status=None, timeout=timeout, cwd=ROOT)


def share_installation(state: Path) -> None:
    """Let a test's state folder use the environments that `make test` installed."""
    installed = ROOT / ".platform"
    for name in ("envs", "proxy"):
        (state / name).symlink_to(installed / name)


def remove_leftovers(project: str) -> None:
    """Remove containers, networks and volumes that a killed test run left behind."""
    for label in (f"{PROJECT_LABEL}={project}", f"com.docker.compose.project={project}"):
        for kind, listing, remove in (
            ("container", ["ls", "--all"], ["rm", "--force"]),
            ("network", ["ls"], ["rm"]),
            ("volume", ["ls"], ["rm"]),
        ):
            command = ["docker", kind, *listing, "--quiet", "--filter", f"label={label}"]
            found = run(*command).stdout
            if found:
                run("docker", kind, *remove, *found.split())


def start(
    mode: str,
    folder: Path,
    *,
    project: str,
    settings: str = "",
    port: int | None = None,
    program: Program = (KM3HUB,),
) -> Platform:
    """Start a platform in `folder` and read the passwords of its first accounts."""
    if mode == "docker":
        remove_leftovers(project)
    state, config = folder / "state", folder / "config" / "platform.yaml"
    state.mkdir(mode=0o700)
    config.parent.mkdir()
    config.write_text(settings)
    if mode == "embedded":
        share_installation(state)
    port = port or free_ports(PORTAL + 1)
    up = ["up", "--mode", mode, "--port", str(port), *options(state, config, project)]
    result = km3hub(*up, program=program)
    assert result.returncode == 0, result.stdout + result.stderr
    pairs = [line.split() for line in (state / "first-login.txt").read_text().splitlines()[1:]]
    passwords = dict(pairs)
    return Platform(
        mode=mode,
        state=state,
        config=config,
        project=project,
        address=next(
            words[1]
            for line in result.stdout.splitlines()
            if (words := line.split())[:1] == ["Open"]
        ),
        user="user",
        password=passwords["user"],
        admin_password=passwords["admin"],
        program=program,
    )
