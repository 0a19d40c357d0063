"""Suggestions for a query without results: other spellings, and words that match alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from . import words
from .index import find, known, terms_of
from .models import Word
from .query import Phrase, Term

#: Similarity (difflib's ratio) of two words of four letters that differ in one: 6 of 8.
_ALIKE = 0.75
_SHORTEST = 4


@dataclass(frozen=True)
class Hint:
    """Suggestions for a query that finds nothing.

    Attributes
    ----------
    instead : str or None
        The query in another spelling, which finds something.
    unknown : list of str
        Words that no record has.
    alone : list of str
        Parts of the query that find something by themselves, if there are several.
    """

    instead: str | None
    unknown: list[str]
    alone: list[str]


def hint(text: str) -> Hint:
    """Returns suggestions for a query."""
    from opendata.records.search import published

    terms = terms_of(text)
    unknown = [term for term in terms if not find(published(), [term]).exists()]
    alone = [term.text for term in terms if term not in unknown]
    corrected = {term: _corrected(term) for term in unknown}
    return Hint(
        _first_that_finds(_instead(text, terms, corrected)),
        [term.text for term in unknown],
        alone if len(terms) > 1 else [],
    )


def _instead(
    text: str, terms: list[Term], corrected: dict[Term, str | None]
) -> Iterator[tuple[str, bool]]:
    """Yields possible queries, the closest first, and whether each differs from the original."""
    whole = " ".join(corrected.get(term) or term.text for term in terms)
    yield whole, any(corrected.values())
    yield whole.replace('"', " "), '"' in text  # each word separately
    for better in corrected.values():
        yield better or "", bool(better)


def _first_that_finds(queries: Iterator[tuple[str, bool]]) -> str | None:
    from opendata.records.search import published

    for text, other in queries:
        if other and text.strip() and find(published(), terms_of(text)).exists():
            return " ".join(text.split())
    return None


def _corrected(term: Term) -> str | None:
    """Returns a term with unknown words replaced by similar ones from the index."""
    result, changed = term.text, False
    for word in words.written(term.text):
        if len(word) < _SHORTEST or known(Phrase((words.stem(words.folded(word)),))):
            continue
        better = _alike(words.folded(word))
        if better:
            result, changed = result.replace(word, better, 1), True
    return result if changed else None


def _alike(word: str) -> str | None:
    near = Word.objects.filter(length__range=(len(word) - 2, len(word) + 2))
    forms = {words.folded(form): form for form in near.values_list("form", flat=True)}
    for found in get_close_matches(word, sorted(forms), n=5, cutoff=_ALIKE):
        if known(Phrase((words.stem(found),))):
            return forms[found]
    return None
