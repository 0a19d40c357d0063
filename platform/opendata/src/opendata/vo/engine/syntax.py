"""From the text of an ADQL query to its parse tree.

Only the grammar of queryparser is used. Its translators are not: they give parts of the query to
Python's `eval`, and know PostgreSQL and MySQL only.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.ErrorListener import ErrorListener
from queryparser.adql.ADQLLexer import ADQLLexer
from queryparser.adql.ADQLParser import ADQLParser

from opendata.vo.engine.errors import QueryError, QueryTimeout
from opendata.vo.engine.limits import Limits

# Words that the grammar knows as reserved, but not as the functions that they are in ADQL 2.1.
_FUNCTION_WORDS = {ADQLLexer.UPPER, ADQLLexer.LOWER}
# A comment, or a string or name in quotes, in which -- is no comment.
_COMMENT = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_SHORT_FLOAT = re.compile(r"[eE][0-9]+|[eE]")


class _Complaints(ErrorListener):
    def __init__(self) -> None:
        self.first: str | None = None

    def syntaxError(  # noqa: N802, PLR0917 - the name and order are ANTLR's
        self, recognizer: Any, symbol: Any, line: int, column: int, msg: str, e: Any
    ) -> None:
        if self.first is None:
            text = getattr(symbol, "text", None)
            near = f" near {text!r}" if text and text != "<EOF>" else " at the end of the query"
            self.first = f"line {line}, character {column + 1}{near}"


class _TokensWithDeadline(CommonTokenStream):
    """Tokens that stop the parser when its time is over; ANTLR itself knows no limit."""

    def __init__(self, lexer: ADQLLexer, deadline: float) -> None:
        super().__init__(lexer)
        self._deadline = deadline
        self._looks = 0

    def LA(self, i: int) -> int:  # noqa: N802 - the name is ANTLR's
        self._looks += 1
        if self._looks % 256 == 0 and time.monotonic() > self._deadline:
            raise QueryTimeout("the query takes too long to understand; write a shorter one")
        return int(super().LA(i))


def parse(query: str, limits: Limits) -> ADQLParser.QueryContext:
    """Parse an ADQL query.

    Raises
    ------
    QueryError
        It is too long, too deeply nested or not ADQL.
    QueryTimeout
        Understanding it takes longer than `limits.parse_seconds`.
    """
    if len(query) > limits.query_characters:
        raise QueryError(
            f"the query has {len(query)} characters, {limits.query_characters} are allowed; "
            "upload a table instead of writing long lists"
        )
    bad = next((c for c in query if ord(c) < 32 and c not in "\t\r\n"), None)
    if bad is not None:
        raise QueryError(f"the query contains the control character {bad!r}")
    text = _COMMENT.sub(lambda m: m.group(1) or " ", query).strip()
    text = text[:-1] if text.endswith(";") else text
    if not text:
        raise QueryError("the query is empty")
    tokens = _tokens(text, limits)
    try:
        # The quick strategy first; what it refuses may still be right for the thorough one.
        tree, _ = _run(tokens, PredictionMode.SLL)
        if tree is None:
            tree, complaint = _run(tokens, PredictionMode.LL)
            if tree is None:
                raise QueryError(f"this is not understood as ADQL: {complaint}")
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    return tree


def _run(
    tokens: _TokensWithDeadline, mode: Any
) -> tuple[ADQLParser.QueryContext | None, str | None]:
    tokens.seek(0)
    parser = ADQLParser(tokens)
    parser._interp.predictionMode = mode
    complaints = _Complaints()
    parser.removeErrorListeners()
    parser.addErrorListener(complaints)
    tree = parser.query()
    if complaints.first is None and tokens.LT(1).type != Token.EOF:
        complaints.first = f"the query should end before {tokens.LT(1).text!r}"
    return (tree, None) if complaints.first is None else (None, complaints.first)


def _tokens(text: str, limits: Limits) -> _TokensWithDeadline:
    lexer = ADQLLexer(InputStream(text + " ;"))
    complaints = _Complaints()
    lexer.removeErrorListeners()
    lexer.addErrorListener(complaints)
    stream = _TokensWithDeadline(lexer, time.monotonic() + limits.parse_seconds)
    stream.fill()
    if complaints.first is not None:
        raise QueryError(f"there is a character that ADQL does not have: {complaints.first}")
    depth = 0
    visible = [t for t in stream.tokens if t.channel == Token.DEFAULT_CHANNEL]
    for token, after in itertools.pairwise(visible):
        depth += (token.type == ADQLLexer.LPAREN) - (token.type == ADQLLexer.RPAREN)
        if depth > limits.nesting:
            raise QueryError(f"the query is nested deeper than {limits.nesting} parentheses")
        if token.type in _FUNCTION_WORDS and after.type == ADQLLexer.LPAREN:
            token.type = ADQLLexer.ID
    _join_short_floats(stream)
    return stream


def _join_short_floats(stream: CommonTokenStream) -> None:
    """Make one number of 1e3, which the lexer takes for 1 and e3."""
    tokens = stream.tokens
    kept = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        width = 0
        if token.type == ADQLLexer.INT and at + 1 < len(tokens):
            after = tokens[at + 1]
            if _SHORT_FLOAT.fullmatch(after.text or ""):
                width = 1
                if len(after.text) == 1:  # 1e-3 comes as 1, e, -, 3
                    rest = [t.type for t in tokens[at + 2 : at + 4]]
                    signed = rest in (
                        [ADQLLexer.MINUS, ADQLLexer.INT],
                        [ADQLLexer.PLUS, ADQLLexer.INT],
                    )
                    width = 3 if signed else 0
        if width:
            token.text = "".join(t.text for t in tokens[at : at + 1 + width])
            token.type = ADQLLexer.REAL
        kept.append(token)
        at += 1 + width
    for index, token in enumerate(kept):
        token.tokenIndex = index
    stream.tokens = kept
