"""Datasets of instruments for one source, as gammapy maps and folded for a fast likelihood."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nugamma.datasets.folded import FoldedDataset

if TYPE_CHECKING:
    from nugamma.datasets.building import build, inputs, map_datasets
    from nugamma.datasets.fixed import FixedDetector
    from nugamma.datasets.folding import PixelResponse, pixel_response
    from nugamma.datasets.grouping import group
    from nugamma.datasets.instrument import Instrument
    from nugamma.datasets.pointed import PointedTelescope

__all__ = [
    "FixedDetector",
    "FoldedDataset",
    "Instrument",
    "PixelResponse",
    "PointedTelescope",
    "build",
    "group",
    "inputs",
    "map_datasets",
    "pixel_response",
]

_MODULES = {
    "FixedDetector": "fixed",
    "Instrument": "instrument",
    "PixelResponse": "folding",
    "PointedTelescope": "pointed",
    "build": "building",
    "group": "grouping",
    "inputs": "building",
    "map_datasets": "building",
    "pixel_response": "folding",
}


def __getattr__(name: str) -> Any:
    """Imports gammapy, which takes seconds, only if needed: folded datasets do without."""
    if name in _MODULES:
        return getattr(import_module(f"nugamma.datasets.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
