"""Files from outside: the page that shows a user's address, and tokens that open nothing else."""

from __future__ import annotations

from typing import Any

from km3hub.configure.extending import extend
from km3hub.pages.files import FilesHandler
from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["SCOPE", "configure_files"]

#: As in a user's server (`km3lab/dav/access.py`). A token with this scope alone opens the files of
#: its owner: neither JupyterLab, nor terminals, nor the hub's API.
SCOPE = "custom:files"


def configure_files(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the page and the scope.

    Every user has the scope, so that their tokens can have it; each server accepts only its owner.
    """
    extend(
        c.JupyterHub,
        "custom_scopes",
        {SCOPE: {"description": "Read and write the files of one's own home from outside"}},
    )
    role = {"name": "user", "description": "Standard user privileges", "scopes": ["self", SCOPE]}
    extend(c.JupyterHub, "load_roles", [role])
    options = {"origins": Origins(settings, runtime), "scope": SCOPE}
    extend(c.JupyterHub, "extra_handlers", [(r"/files-from-outside", FilesHandler, options)])
