"""The Jupyter server of one user: its settings, and the application that runs it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config

from km3lab.exporters import hide_what_cannot_work

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.surroundings import Surroundings

__all__ = ["Folders", "application", "configuration"]

_PACKAGE = Path(__file__).parent

#: The only extensions of the Jupyter server that are loaded, because each costs time and memory at
#: every start. Left out: language servers (jupyter_lsp) and the classic notebook (notebook_shim).
EXTENSIONS = {
    "jupyter_server_terminals": True,
    "jupyterlab": True,
    "km3lab.extension": True,
}

#: Quarters of a second that a stop waits for a kernel that is being restarted.
_ATTEMPTS = 12


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where the server reads and writes."""

    root: Path
    """What the file browser shows."""
    runtime: Path
    """Sockets, connection files and the like; not in the home, which may be slow or full."""
    settings: Path
    """The user's settings in Lab, and the layout of the windows."""
    degraded: bool = False
    """Whether the home cannot be written."""


def configuration(around: Surroundings, folders: Folders) -> Config:
    """Returns the server's settings, for a hub's server or a stand-alone one."""
    c = Config()
    c.ServerApp.root_dir = str(folders.root)
    c.ServerApp.open_browser = False
    c.ServerApp.kernel_spec_manager_class = "km3lab.kernels.ScienceKernels"
    c.ServerApp.kernel_manager_class = "km3lab.places.HomeKernels"
    c.TerminalsExtensionApp.terminal_manager_class = "km3lab.places.HomeTerminals"
    c.ServerApp.contents_manager_class = "km3lab.contents.HomeContents"
    c.ServerApp.kernel_websocket_connection_class = "km3lab.connections.KernelConnection"
    c.ScienceKernels.prefix = str(around.kernels)
    # A login shell would read /etc/profile, which resets PATH and hides the environment's tools.
    shell = os.environ.get("SHELL") or shutil.which("bash") or shutil.which("sh") or "sh"
    command = [shell, "--rcfile", str(_PACKAGE / "terminal.bash")]
    bash = os.path.basename(shell) == "bash"
    c.ServerApp.terminado_settings = {"shell_command": command if bash else [shell]}
    # Seconds until the hub is asked again whether a login still counts (default: 300).
    c.HubOAuth.cache_max_age = 60
    # Embedded mode runs as root on a machine without another user.
    c.ServerApp.allow_root = True
    c.Application.log_level = "WARN"
    # Elsewhere `trash.py` keeps deleted files, unless the home is nearly full. JupyterLab asks
    # whether to delete them for good, so that nobody relies on it.
    c.FileContentsManager.delete_to_trash = not (around.hub or around.container or folders.degraded)
    science = around.kernels / "share" / "jupyter" / "labextensions"
    # An explicit list: old packages in ~/.local must not break today's Lab.
    c.LabApp.labextensions_path = [str(science)]
    c.LabApp.extra_labextensions_path = [str(_PACKAGE / "labextension")]
    c.LabApp.app_settings_dir = str(_PACKAGE / "settings")
    c.LabApp.user_settings_dir = str(folders.settings / "user-settings")
    c.LabApp.workspaces_dir = str(folders.settings / "workspaces")
    c.LabApp.extension_manager = "readonly"
    c.LabApp.news_url = None
    # Kernels use sockets in the runtime folder, which nobody else may open, instead of ports,
    # which every user of the machine may. A socket's path has at most 107 characters.
    if len(str(folders.runtime)) <= 40:
        c.KernelManager.transport = "ipc"
    # PDFs are drawn in the science environment, which has WeasyPrint.
    c.WeasyPrintExporter.python = str(around.kernels / "bin" / "python")
    hide_what_cannot_work(c)
    if folders.degraded:
        c.NotebookNotary.db_file = ":memory:"
    if not around.hub:
        c.ServerApp.ip = "0.0.0.0" if around.container else "127.0.0.1"  # noqa: S104
        c.ServerApp.port = 8888
        # A container publishes exactly one port; elsewhere the next free one is fine.
        c.ServerApp.port_retries = 0 if around.container else 50
        c.ServerApp.allow_remote_access = around.container
        c.IdentityProvider.token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    return c


def _server_class() -> type[ServerApp]:
    # Created on demand: importing the server takes half a second.
    from jupyter_server.serverapp import ServerApp

    class UserServer(ServerApp):  # type: ignore[misc, unused-ignore]
        """A server that can be stopped at any moment."""

        async def cleanup_kernels(self) -> None:
            # jupyter_client 8.10 raises this for a kernel that is just being restarted, and the
            # server would then run for ever, deaf to any further request to stop.
            for _ in range(_ATTEMPTS):
                try:
                    await super().cleanup_kernels()
                except asyncio.InvalidStateError:
                    await asyncio.sleep(0.25)
                else:
                    return

    return UserServer


def application(around: Surroundings, config: Config, argv: list[str]) -> ServerApp:
    """Returns the initialized server: listening, but not yet serving.

    Both kinds load the same extensions; a hub's server has JupyterHub's beside them, which
    brings the login through the hub and reports activity to it.
    """
    if around.hub:
        from jupyterhub.singleuser.extension import JupyterHubSingleUser

        starter = JupyterHubSingleUser
        extensions = {starter.get_extension_package(): True, **EXTENSIONS}
    else:
        from jupyterlab.labapp import LabApp

        starter = LabApp
        extensions = dict(EXTENSIONS)
    starter.serverapp_class = _server_class()
    app: ServerApp = starter.make_serverapp(jpserver_extensions=extensions, config=config)
    app.aliases.update(starter.aliases)
    app.initialize(argv=argv, starter_extension=starter.name, find_extensions=False)
    return app
