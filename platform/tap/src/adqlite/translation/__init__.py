"""From the tree of an ADQL query to the SQL of SQLite.

Each name is looked up, each expression gets a type, and each function a name of our own. What a
query can reach is decided here, and checked again by the authorizer of the connection. Cones get a
surrounding rectangle for which SQLite uses an index.
"""
# `queries` (SELECT) builds on `tables` (FROM), which builds on `expressions`, which uses
# `functions` and `shapes`. `types` combines types, `sql` writes, `terms` has the shared terms.

from adqlite.translation.queries import translate
from adqlite.translation.terms import UDFS, Translation

__all__ = ["UDFS", "Translation", "translate"]
