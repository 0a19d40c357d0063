"""The start of a user's server, in one process: prepare the home, then serve JupyterLab."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from km3hub.lab.surroundings import Surroundings

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["main"]

#: Set for the server only: kernels and terminals keep the user's own.
_SERVER_ONLY = ("JUPYTER_CONFIG_DIR", "PYTHONNOUSERSITE", "JUPYTER_PATH")


def _announce(app: ServerApp, around: Surroundings) -> None:
    port = app.port
    host = "127.0.0.1" if around.container else app.ip
    token = app.identity_provider.token
    print(
        f"\nJupyterLab is ready. Open this address in a browser:\n"
        f"    http://{host}:{port}{app.base_url}lab?token={token}\n"
        f"Stop it with Ctrl-C. Files: {app.root_dir}\n",
        flush=True,
    )


def _make_command_reachable(runtime: Path) -> None:
    """Let terminals find `km3hub` without putting Lab's other programs on their PATH."""
    program = Path(sys.prefix, "bin", "km3hub")
    if not program.exists():
        return
    folder = runtime / "bin"
    folder.mkdir(mode=0o700)
    (folder / "km3hub").symlink_to(program)
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), str(folder)))


def main(argv: list[str] | None = None) -> None:
    """Run a user's server until it is stopped."""
    around = Surroundings.read()
    from km3hub.lab.lean import import_lab

    import_lab()
    from km3hub.lab.server import Folders, application, configuration

    runtime = Path(tempfile.mkdtemp(prefix="km3-lab-"))
    _make_command_reachable(runtime)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(runtime / "jupyter")
    folders = Folders(
        root=around.home, runtime=runtime, settings=around.home / ".jupyter" / "lab"
    )
    # The server reads no configuration that a user could have written, or left behind years ago.
    os.environ["JUPYTER_CONFIG_DIR"] = str(Path(__file__).parent / "settings")
    config = configuration(around, folders)
    app = application(around, config, sys.argv[1:] if argv is None else argv)
    for name in _SERVER_ONLY:
        os.environ.pop(name, None)
    if not around.hub:
        app.io_loop.add_callback(_announce, app, around)
    app.start()
