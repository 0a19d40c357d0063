"""What a word is: letters without accents and case, then the stem of it.

Texts and queries go through the same functions, and both databases keep what comes out of them. So
a query finds the same with SQLite as with PostgreSQL, whose own analysers differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W_]+")
#: Words as they are written, hyphens inside of them included (U+2010 to U+2015 are dashes).
_HYPHENATED = re.compile(r"[^\W_]+(?:[-\u2010-\u2015][^\W_]+)*")
_HYPHENS = re.compile(r"[-\u2010-\u2015]")
_NUMBERED = re.compile(r"([^\W\d_]{2,})(\d+)")
_GENITIVE = re.compile(r"['\u2019]s\b")
#: PostgreSQL refuses words beyond 2046 bytes; none that long is searched for.
_LONGEST = 100
#: Letters that Unicode does not take apart into a plain one and an accent.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "\xad": None,
    }
)
#: Latin and Greek plurals, as physicists write them; no stemmer of English knows these.
_PLURALS = {
    "analyses": "analysis",
    "axes": "axis",
    "criteria": "criterion",
    "formulae": "formula",
    "hypotheses": "hypothesis",
    "indices": "index",
    "loci": "locus",
    "matrices": "matrix",
    "maxima": "maximum",
    "minima": "minimum",
    "momenta": "momentum",
    "nebulae": "nebula",
    "novae": "nova",
    "nuclei": "nucleus",
    "phenomena": "phenomenon",
    "quanta": "quantum",
    "radii": "radius",
    "spectra": "spectrum",
    "supernovae": "supernova",
    "syntheses": "synthesis",
    "vertices": "vertex",
}


def folded(text: str) -> str:
    """Return a text without case, accents, ligatures and soft hyphens."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(character for character in parts if not unicodedata.combining(character))


def written(text: str) -> list[str]:
    """Return the words of a text as they are written."""
    return _WORD.findall(_GENITIVE.sub("", text))


def spelled(text: str) -> set[str]:
    """Return the words of a text in small letters, with their accents; no numbers."""
    return {word.lower()[:_LONGEST] for word in written(text) if word.isalpha()}


def words(text: str) -> list[str]:
    """Return the words of a text in order, folded but whole."""
    found = _WORD.findall(_GENITIVE.sub("", folded(text)))
    return [word[:_LONGEST] for word in found]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the stem of a folded word: `neutrino` of neutrinos, `energi` of energies."""
    stemmer = snowballstemmer.stemmer("english")
    return str(stemmer.stemWord(_PLURALS.get(word, word)))


def tokens(text: str) -> list[str]:
    """Return the stems of a text in order."""
    return [stem(word) for word in words(text)]


def joined(text: str) -> Iterator[str]:
    """Yield the stems of hyphenated words as if written in one: multimessenger."""
    for match in _HYPHENATED.finditer(folded(text)):
        parts = _HYPHENS.split(match[0])
        if len(parts) > 1:
            yield stem("".join(parts)[:_LONGEST])


def split_number(word: str) -> list[str]:
    """Return the stems of letters and the number that follows them, ORCA6 as if written ORCA 6."""
    match = _NUMBERED.fullmatch(word)
    return [stem(match[1]), match[2]] if match else []


def other_ways(text: str) -> list[str]:
    """Return what else a text is found by: other ways to write its words."""
    found = list(joined(text))
    for word in words(text):
        found += split_number(word)
    return found


def hyphen_parts(text: str) -> list[str]:
    """Return the parts between hyphens."""
    return _HYPHENS.split(text)
