"""Leaves out imports that a start does not need.

Measured with `python -X importtime`: a server that imports everything uses four times the
processor time until its first page, and thirty people start at once when a workshop begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["import_lab", "import_single_user"]


#: What JupyterLab imports for things that a user's server does not do: lists of allowed and blocked
#: extensions, and the installation of extensions from a package index (0.15 s).
_NEVER_USED = ("requests", "jupyterlab.extensions.pypi")
#: Checks of formats in JSON Schemas (`uri`, `duration`), which jsonschema does without where they
#: cannot be imported (0.1 s). Jupyter's own schemas of events and settings need neither.
_OPTIONAL = ("isoduration", "rfc3986_validator")
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
def _without(absent: Iterable[str], missing: Iterable[str] = ()) -> Iterator[None]:
    """Import without some modules: the absent ones seem to be there, the missing ones do not."""
    absent = [name for name in absent if name not in sys.modules]
    missing = [name for name in missing if name not in sys.modules]
    sys.modules.update({name: _Absent(name) for name in absent})
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type] # what Python itself does
    try:
        yield
    finally:
        # Whoever imports one of them later gets it.
        for name in (*absent, *missing):
            del sys.modules[name]


def import_lab() -> None:
    """Import JupyterLab without unused parts."""
    # If `node` is on the PATH, the import of jupyterlab.labapp runs it (0.6 s) to ask yarn for
    # the registry from which extensions would be built. Nothing is built here.
    path = os.environ.get("PATH")
    os.environ["PATH"] = os.devnull
    try:
        with _without(_NEVER_USED, _OPTIONAL):
            import jupyterlab.labapp  # noqa: F401
    finally:
        if path is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = path


def import_single_user() -> None:
    """Import JupyterHub's single-user server without the parts that only a hub needs."""
    # Names are then looked up by the system, in a thread.
    with _without(_HUB_ONLY, ("aiodns",)):
        import jupyterhub.singleuser.extension  # noqa: F401
