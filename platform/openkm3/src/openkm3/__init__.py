"""Find, get and understand KM3NeT open data.

Two published ways to call it, on one store::

    from openkm3.store import KM3Store      # typed objects, Markdown lists
    from openkm3.openio import KM3Store     # tables as lists, pandas or plots

Nothing heavy is imported here: ``openkm3.catalogue`` and ``openkm3.metadata`` need pydantic only,
so that servers can use the models at little cost.
"""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("openkm3")
