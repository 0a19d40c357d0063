"""Positions, distances, sizes and measured fluxes of sources: published ones and your own."""

from __future__ import annotations

from pathlib import Path

from nugamma.sources.catalogue import published_source, published_sources
from nugamma.sources.description import described_source
from nugamma.sources.source import Source

__all__ = ["Source", "load_source", "published_sources"]


def load_source(name: str | Path) -> Source:
    """Returns a published source by its name, or your own by the path of its YAML file.

    Parameters
    ----------
    name : str or Path
        A path if it ends in ``.yaml`` or ``.yml``, else a name or alias.

    Raises
    ------
    SourceError
        If the source is unknown, or its description is invalid.
    """
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        return described_source(Path(name))
    return published_source(name)
