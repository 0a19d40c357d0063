"""Parses queries. No input is an error, and no word is an operator.

- a word finds all of its forms; where the index does not have it, words that begin with it;
- "words in quotes" match as a phrase;
- point-source finds `point source`, `point-source` and `pointsource`;
- identifiers and DOIs (ana20_01_vo, 10.5072/FK2/X) are found by their parts, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .words import hyphen_parts, joined, split_number, tokens, words

_MOST_TERMS = 10
_SHORTEST_PREFIX = 3
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))  # noqa: RUF001
_PIECE = re.compile(r'"([^"]*)"|(\S+)')
_DOI = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:)", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[\d_.]")
#: Stop words (the short ones of Snowball's English list).
_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "no",
        "nor",
        "not",
        "of",
        "off",
        "on",
        "or",
        "our",
        "so",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


@dataclass(frozen=True)
class Phrase:
    """Consecutive stems; with `prefix` the last one is the beginning of a word."""

    stems: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Term:
    """A part of a query: it matches if all phrases of one of its readings do.

    Attributes
    ----------
    text : str
        As it was typed.
    ways : tuple of tuple of Phrase
    """

    text: str
    ways: tuple[tuple[Phrase, ...], ...]


class _Words(NamedTuple):
    stems: tuple[str, ...]
    may_begin: bool


_Way = list[_Words]


def parse(text: str, known: Callable[[Phrase], bool]) -> list[Term]:
    """Returns the terms of a query; a record must match all of them.

    Parameters
    ----------
    text : str
        As it was typed.
    known : callable
        Whether any record has a phrase; what none has counts as the beginning of a word.
    """
    found: list[Term] = []
    weak: list[Term] = []
    for match in _PIECE.finditer(text.replace("\0", " ").translate(_QUOTES)):
        quoted = match[1] is not None
        ways = _quoted(match[1]) if quoted else _bare(_DOI.sub("", match[2]))
        if ways:
            term = Term(match[0], tuple(tuple(_open(item, known) for item in way) for way in ways))
            only = not quoted and set(words(match[2])) <= _STOP
            (weak if only else found).append(term)
    return (found or weak)[:_MOST_TERMS]


def _quoted(text: str) -> list[_Way]:
    stems = tuple(tokens(text))
    return [[_Words(stems, False)]] if stems else []


def _bare(text: str) -> list[_Way]:
    """Returns the possible readings of a piece without blanks."""
    parts = [part for part in hyphen_parts(text) if words(part)]
    stems = tuple(tokens(text))
    if _IDENTIFIER.search(text) and len(stems) > len(parts):
        return [[_Words(stems, True)]]
    ways = [[_Words((item,), True) for item in stems]] if stems else []
    if len(parts) > 1:
        ways += [[_Words((item,), False)] for item in joined(text)]
    elif len(stems) == 1 and (split := split_number(words(text)[0])):
        ways.append([_Words((item,), False) for item in split])
    return ways


def _open(item: _Words, known: Callable[[Phrase], bool]) -> Phrase:
    exact = Phrase(item.stems)
    if not item.may_begin or len(item.stems[-1]) < _SHORTEST_PREFIX or known(exact):
        return exact
    return Phrase(item.stems, prefix=True)
