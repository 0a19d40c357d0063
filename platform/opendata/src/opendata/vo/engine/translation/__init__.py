"""From ADQL to the SQL of SQLite.

The parse tree is written out again, each name in quotes, each function under a name of our own,
each table looked up first: what a query can reach is decided here, and once more by the authorizer
of the connection. Cones get a rectangle around them that an index answers.
"""
# The parts: `queries` (SELECT, FROM), `expressions` (names, functions, conditions), `shapes`
# (geometry); `terms` is what they share.

from opendata.vo.engine.translation.queries import translate
from opendata.vo.engine.translation.terms import UDFS, Computed, Translation

__all__ = ["UDFS", "Computed", "Translation", "translate"]
