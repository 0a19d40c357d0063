"""Joint neutrino and gamma-ray analysis on gammapy.

The names here are all that a joint analysis needs; the README shows one from a source to limits.
They are imported when they are first used, as gammapy takes seconds. What else there is, such as
`nugamma.neutrino` for neutrinos alone, is in the packages below.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nugamma.datasets.building import build as build_datasets
    from nugamma.datasets.instrument import Instrument
    from nugamma.datasets.published import ARCA, CTA
    from nugamma.inference.modes import scan
    from nugamma.inference.problem import Problem
    from nugamma.inference.pseudo import draw
    from nugamma.sources import load_source
    from nugamma.sources.fit import fit_source
    from nugamma.spectra.operators import SpectralOperator

__all__ = [
    "ARCA",
    "CTA",
    "Instrument",
    "Problem",
    "SpectralOperator",
    "build_datasets",
    "draw",
    "fit_source",
    "load_source",
    "scan",
]

__version__ = version("nugamma")

#: Where each public name is defined.
_DEFINED = {
    "ARCA": "nugamma.datasets.published:ARCA",
    "CTA": "nugamma.datasets.published:CTA",
    "Instrument": "nugamma.datasets.instrument:Instrument",
    "Problem": "nugamma.inference.problem:Problem",
    "SpectralOperator": "nugamma.spectra.operators:SpectralOperator",
    "build_datasets": "nugamma.datasets.building:build",
    "draw": "nugamma.inference.pseudo:draw",
    "fit_source": "nugamma.sources.fit:fit_source",
    "load_source": "nugamma.sources:load_source",
    "scan": "nugamma.inference.modes:scan",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in _DEFINED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _DEFINED[name].split(":")
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    """Lists the public names too, for completion in notebooks."""
    return sorted({*globals(), *__all__})
