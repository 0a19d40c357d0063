"""Leaves out imports that a start does not need.

Measured with `python -X importtime`: a server that imports everything uses four times the
processor time until its first page, and thirty people start at once when a workshop begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["import_lab", "import_single_user"]


def import_lab() -> None:
    """Import JupyterLab without unused parts."""
    # If `node` is on the PATH, the import of jupyterlab.labapp runs it (0.6 s) to ask yarn for
    # the registry from which extensions would be built. Nothing is built here.
    path = os.environ.get("PATH")
    os.environ["PATH"] = os.devnull
    try:
        import jupyterlab.labapp  # noqa: F401
    finally:
        if path is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = path


#: What JupyterHub's single-user server imports and never uses: the hub's own database and pages.
#: They are half of its imports (0.5 s). What remains asks them at run time only for objects of
#: the database, of which a single-user server has none.
_HUB_ONLY = (
    "jupyterhub.handlers",
    "jupyterhub.handlers.pages",
    "jupyterhub.orm",
    "jupyterhub.roles",
    "sqlalchemy",
    "sqlalchemy.exc",
)


class _Absent(ModuleType):
    """A missing module; each of its names is a class without instances."""

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Exception,), {})
        setattr(self, name, made)
        return made


@contextmanager
def _without_the_hub() -> Iterator[None]:
    added = [name for name in _HUB_ONLY if name not in sys.modules]
    sys.modules.update({name: _Absent(name) for name in added})
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def import_single_user() -> None:
    """Import JupyterHub's single-user server without the parts that only a hub needs."""
    with _without_the_hub():
        import jupyterhub.singleuser.extension  # noqa: F401
