"""From the tree of an ADQL query to the SQL of SQLite.

Each name is looked up, each expression has a type, each function a name of our own: what a query
can reach is decided here, and once more by the authorizer of the connection. Cones get a rectangle
around them that an index answers.
"""
# `queries` (SELECT) builds on `tables` (FROM), this on `expressions`, these on `functions` and
# `shapes`; `types` says what fits together, `sql` writes, `terms` is what they share.

from adqlite.translation.queries import translate
from adqlite.translation.terms import UDFS, Translation

__all__ = ["UDFS", "Translation", "translate"]
