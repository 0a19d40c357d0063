"""Datasets of CTA and KM3NeT for one source, as gammapy maps and folded for a fast likelihood."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nugamma.datasets.folded import FoldedDataset

if TYPE_CHECKING:
    from nugamma.datasets.arca import arca_datasets
    from nugamma.datasets.building import build, inputs, map_datasets
    from nugamma.datasets.cta import cta_dataset
    from nugamma.datasets.folding import PixelResponse, pixel_response
    from nugamma.datasets.grouping import group

__all__ = [
    "FoldedDataset",
    "PixelResponse",
    "arca_datasets",
    "build",
    "cta_dataset",
    "group",
    "inputs",
    "map_datasets",
    "pixel_response",
]

_MODULES = {
    "PixelResponse": "folding",
    "arca_datasets": "arca",
    "build": "building",
    "cta_dataset": "cta",
    "group": "grouping",
    "inputs": "building",
    "map_datasets": "building",
    "pixel_response": "folding",
}


def __getattr__(name: str) -> Any:
    """Gammapy costs seconds of imports, which folded datasets do not need."""
    if name in _MODULES:
        return getattr(import_module(f"nugamma.datasets.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
