"""Positions, distances, sizes and measured fluxes of sources: published ones, and a user's own."""

from __future__ import annotations

from pathlib import Path

from nugamma.sources.catalogue import published_source, published_sources
from nugamma.sources.description import described_source
from nugamma.sources.source import Source

__all__ = ["Source", "load_source", "published_sources"]


def load_source(name: str | Path) -> Source:
    """A published source by its name, or a user's own by the path of its YAML file.

    Parameters
    ----------
    name : str or Path
        What ends in ``.yaml`` or ``.yml`` is a path, anything else a name or an alias.

    Raises
    ------
    SourceError
        The source is not known, or its description is not usable.
    """
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        return described_source(Path(name))
    return published_source(name)
