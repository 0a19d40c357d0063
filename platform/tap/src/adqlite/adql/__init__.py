"""ADQL 2.1: from the text of a query to a tree of what it says.

The grammar is `grammar.lark`; :mod:`adqlite.translation` gives the tree its meaning.
"""

from adqlite.adql.parsing import parse

__all__ = ["parse"]
