"""ADQL 2.1: from the text of a query to its syntax tree.

The grammar is `grammar.lark`; :mod:`adqlite.translation` gives the tree a meaning.
"""

from adqlite.adql.parsing import parse

__all__ = ["parse"]
