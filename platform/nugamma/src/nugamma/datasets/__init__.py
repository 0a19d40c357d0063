"""Datasets of CTA and KM3NeT for one source, as gammapy maps and folded for a fast likelihood."""

from nugamma.datasets.arca import arca_datasets
from nugamma.datasets.building import build, map_datasets
from nugamma.datasets.cta import cta_dataset
from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.folding import PixelResponse, pixel_response
from nugamma.datasets.grouping import group

__all__ = [
    "FoldedDataset",
    "PixelResponse",
    "arca_datasets",
    "build",
    "cta_dataset",
    "group",
    "map_datasets",
    "pixel_response",
]
