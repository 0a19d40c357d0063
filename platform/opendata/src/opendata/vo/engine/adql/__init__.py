"""ADQL 2.1: from the text of a query to a tree of what it says.

The grammar is `grammar.lark`; :mod:`opendata.vo.engine.translation` gives the tree its meaning.
"""

from opendata.vo.engine.adql.parsing import parse

__all__ = ["parse"]
