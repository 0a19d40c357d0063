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
from km3lab.quota import ask_once
from km3lab.scratch import prepare_scratch
from km3lab.shared import prepare_shared
from km3lab.surroundings import Surroundings
from km3lab.tutorials import sync

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.server import Folders

__all__ = ["main"]

#: Set for the server only: kernels and terminals keep the user's values.
_SERVER_ONLY = ("JUPYTER_CONFIG_DIR", "PYTHONNOUSERSITE", "JUPYTER_PATH")
#: Maximum seconds for measuring the home at a start; the page then says "more than".
_LOOK_SECONDS = 0.3
#: Longer for a full home, because its user needs the answer.
_LOOK_HARD_SECONDS = 5.0
#: Name of the link to the home in the temporary folder, and of the page beside it.
_LINK, _PAGE = "home", "Your home needs attention.md"


def prepare(around: Surroundings, runtime: Path, notices: Notices) -> tuple[Folders, str]:
    """Prepare the home, or a temporary folder if the home cannot be written to.

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
            # The tutorials used the last free space.
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
    """Remove obstacles to Lab's files in a home; return its settings folder, None if unusable."""
    _, found = folder(folder_of(home), home, "The tutorials are not updated.")
    data = home / ".local" / "share" / "jupyter"
    usable, more = folder(data, home, "Notebooks must be trusted again after each start.")
    found += more
    if not usable and not data.is_dir():
        # Jupyter exits if it can neither find nor create this folder.
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
    quota = ask_once()
    page = welcome(
        around,
        tutorials(around.tutorials),
        report,
        used,
        quota=quota.sentence if quota else "",
        scratch=prepare_scratch(around, seconds=_LOOK_SECONDS),
        shared=prepare_shared(around),
    )
    try:
        return write(page, around.home)
    except (OSError, TimeoutError) as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        # A missing page must not prevent the start.
        print(f"km3lab: no welcome page: {error}", file=sys.stderr)
        return ""


def _leave_the_home_alone(runtime: Path) -> None:
    """Redirect the caches of programs, so that a kernel can start with a full home."""
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
    # A user cannot put anything here.
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
    # The server reads no configuration that a user could have written.
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
        # Milliseconds. A browser that sends a large message answers no ping meanwhile.
        "ws_ping_timeout": 300_000,
    }
    app = application(around, config, argv)
    for name in _SERVER_ONLY:
        os.environ.pop(name, None)
    if not around.hub:
        app.io_loop.add_callback(_announce, app, around, folders)
    app.start()
