"""Find, get and understand KM3NeT open data.

>>> import openkm3
>>> store = openkm3.KM3Store()                  # the Open Data Center
>>> store.get("ana20_01_bkg").evaluate(20)      # a typed object
7893.0656496
>>> events = openkm3.read("events.h5")          # any file: tables with units, and metadata
>>> openkm3.write(events, "events.fits")

The names in ``__all__`` are the public interface, together with the modules

- :mod:`openkm3.store` and :mod:`openkm3.openio`: the two published styles of ``KM3Store``;
- :mod:`openkm3.dataclasses`: the typed objects that the store returns;
- :mod:`openkm3.formats`, :mod:`openkm3.metadata`, :mod:`openkm3.catalogue`: the models behind them;
- :mod:`openkm3.sky`: coordinates of detectors; :mod:`openkm3.alerts`: GCN notices and VOEvent;
- :mod:`openkm3.errors`: all errors.

Everything is imported at first use, so that servers can use the models in ``openkm3.catalogue`` and
``openkm3.metadata`` with pydantic alone.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .errors import OpenKM3Error
    from .formats import DataSet, convert, detect, missing, read, write
    from .metadata import Annotation, Finding, validate
    from .store import KM3Store

__version__ = version("openkm3")

__all__ = [
    "Annotation",
    "Catalogue",
    "DataSet",
    "Finding",
    "KM3Store",
    "OpenKM3Error",
    "convert",
    "detect",
    "missing",
    "read",
    "validate",
    "write",
]

#: The module of each public name.
_MODULES = {
    "Annotation": "metadata",
    "Catalogue": "catalogue",
    "DataSet": "formats",
    "Finding": "metadata",
    "KM3Store": "store",
    "OpenKM3Error": "errors",
    "convert": "formats",
    "detect": "formats",
    "missing": "formats",
    "read": "formats",
    "validate": "metadata",
    "write": "formats",
}
_SUBMODULES = frozenset(
    {
        "alerts",
        "catalogue",
        "dataclasses",
        "errors",
        "formats",
        "metadata",
        "openio",
        "sky",
        "store",
    }
)


def __getattr__(name: str) -> object:
    """Import a public name or module at its first use."""
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _MODULES:
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__, *_SUBMODULES})
