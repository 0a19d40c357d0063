"""Datasets of CTA and KM3NeT for one source, as gammapy maps and folded for a fast likelihood."""

from nugamma.datasets.folded import FoldedDataset

__all__ = ["FoldedDataset"]
