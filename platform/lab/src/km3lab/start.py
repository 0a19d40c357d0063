"""The start of a user's server, in one process: prepare the home, then serve JupyterLab."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from km3lab.folder import NO_SPACE
from km3lab.home import trouble, usage
from km3lab.index import tutorials
from km3lab.landing import full_home, welcome, write
from km3lab.lean import import_lab, import_single_user
from km3lab.manifest import folder_of
from km3lab.mending import as_settings, as_workspace, folder, json_files, say
from km3lab.notices import Notices
from km3lab.surroundings import Surroundings
from km3lab.tutorials import sync

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.server import Folders

__all__ = ["main"]

#: Set for the server only: kernels and terminals keep the user's own.
_SERVER_ONLY = ("JUPYTER_CONFIG_DIR", "PYTHONNOUSERSITE", "JUPYTER_PATH")
#: Seconds that a start may spend on measuring the home; a larger one is then "more than".
_LOOK_SECONDS = 0.3
#: Longer for a full home, because its user needs the answer.
_LOOK_HARD_SECONDS = 5.0
#: Name of the way to the home in the temporary folder, and of the page beside it.
_LINK, _PAGE = "home", "Your home needs attention.md"


def prepare(around: Surroundings, runtime: Path, notices: Notices) -> tuple[Folders, str]:
    """Make the home ready; where it takes no files, a temporary folder.

    Obstacles are renamed, and reported through `notices`.

    Returns
    -------
    tuple
        The folders of the server, and the page to open, as a path below its root.
    """
    from km3lab.server import Folders

    why = trouble(around.home)
    if not why:
        try:
            settings = _mend(around.home, notices) or runtime / "lab"
            page = _welcome(around)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            # The last free space went into the tutorials.
            why = "it is full"
        else:
            return Folders(root=around.home, runtime=runtime, settings=settings), page
    _leave_the_home_alone(runtime)
    root = runtime / "files"
    root.mkdir()
    (root / _LINK).symlink_to(around.home)
    used = usage(around.home, seconds=_LOOK_HARD_SECONDS)
    (root / _PAGE).write_text(full_home(around, why, used, _LINK), encoding="utf-8")
    return Folders(root=root, runtime=runtime, settings=runtime / "lab", degraded=True), _PAGE


def _mend(home: Path, notices: Notices) -> Path | None:
    """Clear the way for what Lab keeps in a home; the folder of its settings, None: unusable."""
    _, found = folder(folder_of(home), home, "The tutorials stay as they are.")
    data = home / ".local" / "share" / "jupyter"
    usable, more = folder(data, home, "Notebooks have to be trusted anew after each start.")
    found += more
    if not usable and not data.is_dir():
        # Jupyter ends where it can neither find nor make this folder.
        os.environ["JUPYTER_DATA_DIR"] = os.environ.get("JUPYTER_DATA_DIR") or tempfile.mkdtemp()
    lost = "Settings and the layout of windows last until this server stops."
    settings: Path | None = home / ".jupyter" / "lab"
    kinds = {
        "user-settings": ("*.jupyterlab-settings", as_settings),
        "workspaces": ("*.jupyterlab-workspace", as_workspace),
    }
    for name, (pattern, parse) in kinds.items():
        place = home / ".jupyter" / "lab" / name
        usable, more = folder(place, home, lost)
        found += more
        if usable:
            found += json_files(place, pattern, home, parse)
        else:
            settings = None
    say(list(dict.fromkeys(found)), notices)
    return settings


def _welcome(around: Surroundings) -> str:
    report = sync(around.tutorials, around.home)
    if report.no_space:
        raise OSError(errno.ENOSPC, report.problem)
    used = usage(around.home, seconds=_LOOK_SECONDS)
    page = welcome(around, tutorials(around.tutorials), report, used)
    try:
        return write(page, around.home)
    except (OSError, TimeoutError) as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        # A page is never worth a start.
        print(f"km3lab: no welcome page: {error}", file=sys.stderr)
        return ""


def _leave_the_home_alone(runtime: Path) -> None:
    """Send what programs write beside a user's files elsewhere: a kernel must still start."""
    places = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_DATA_DIR": "data",
        "MPLCONFIGDIR": "matplotlib",
        "XDG_CACHE_HOME": "cache",
    }
    for variable, name in places.items():
        (runtime / name).mkdir(mode=0o700)
        os.environ[variable] = str(runtime / name)
    # A hub may name the folder to show; here it is the temporary one.
    os.environ.pop("JUPYTERHUB_ROOT_DIR", None)


def _announce(app: ServerApp, around: Surroundings, folders: Folders) -> None:
    host = "127.0.0.1" if around.container else app.ip
    token = app.identity_provider.token
    lines = [
        "",
        "JupyterLab is ready. Open this address in a browser:",
        f"    http://{host}:{app.port}{app.base_url}lab?token={token}",
        f"Files: {around.home}   Stop: Ctrl-C",
    ]
    if folders.degraded:
        lines.append("No files can be saved in the home: this server runs in a temporary folder.")
    print("\n".join(lines), end="\n\n", flush=True)


def _make_command_reachable(runtime: Path) -> None:
    """Put `km3hub` on the PATH of terminals, without Lab's other programs."""
    program = Path(sys.prefix, "bin", "km3lab")
    if not program.exists():
        return
    place = runtime / "bin"
    place.mkdir(mode=0o700)
    command = shlex.join([sys.executable, "-I", str(program)])
    (place / "km3hub").write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    (place / "km3hub").chmod(0o700)
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), str(place)))


def main(argv: list[str] | None = None) -> None:
    """Run a user's server until it is stopped."""
    around = Surroundings.read()
    # Nothing is ever found here that a user could have put there.
    os.chdir("/")
    runtime = Path(tempfile.mkdtemp(prefix="km3-lab-"))
    try:
        _serve(around, runtime, sys.argv[1:] if argv is None else argv)
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


def _serve(around: Surroundings, runtime: Path, argv: list[str]) -> None:
    notices = Notices()
    folders, page = prepare(around, runtime, notices)
    notices.landing = page
    _make_command_reachable(runtime)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(runtime / "jupyter")
    # The server reads no configuration that a user could have written, or left behind years ago.
    os.environ["JUPYTER_CONFIG_DIR"] = str(Path(__file__).parent / "settings")
    import_lab()
    if around.hub:
        import_single_user()
    from km3lab.connections import largest_message
    from km3lab.server import application, configuration

    config = configuration(around, folders)
    config.ServerApp.tornado_settings = {
        "km3lab_notices": notices,
        "websocket_max_message_size": largest_message(around.memory_limit),
        # Milliseconds. While a browser sends a large message, it answers no ping.
        "ws_ping_timeout": 300_000,
    }
    app = application(around, config, argv)
    for name in _SERVER_ONLY:
        os.environ.pop(name, None)
    if not around.hub:
        app.io_loop.add_callback(_announce, app, around, folders)
    app.start()
