"""Words: folded to plain lower-case letters, then reduced to their stem.

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
#: Words as written, including hyphens inside them (U+2010 to U+2015 are dashes).
_HYPHENATED = re.compile(r"[^\W_]+(?:[-\u2010-\u2015][^\W_]+)*")
_HYPHENS = re.compile(r"[-\u2010-\u2015]")
_NUMBERED = re.compile(r"([^\W\d_]{2,})(\d+)")
_GENITIVE = re.compile(r"['\u2019]s\b")
#: PostgreSQL rejects words above 2046 bytes; nobody searches for such a word.
_LONGEST = 100
#: Letters that Unicode does not decompose into a plain letter and an accent.
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
#: Latin and Greek plurals that physicists write; English stemmers do not know them.
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
    """Returns a text in lower case, without accents, ligatures and soft hyphens."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(character for character in parts if not unicodedata.combining(character))


def written(text: str) -> list[str]:
    """Returns the words of a text as written."""
    return _WORD.findall(_GENITIVE.sub("", text))


def spelled(text: str) -> set[str]:
    """Returns the words of a text in lower case with their accents, without numbers."""
    return {word.lower()[:_LONGEST] for word in written(text) if word.isalpha()}


def words(text: str) -> list[str]:
    """Returns the words of a text in order, folded but not stemmed."""
    found = _WORD.findall(_GENITIVE.sub("", folded(text)))
    return [word[:_LONGEST] for word in found]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Returns the stem of a folded word: `neutrino` of neutrinos, `energi` of energies."""
    stemmer = snowballstemmer.stemmer("english")
    return str(stemmer.stemWord(_PLURALS.get(word, word)))


def tokens(text: str) -> list[str]:
    """Returns the stems of a text in order."""
    return [stem(word) for word in words(text)]


def joined(text: str) -> Iterator[str]:
    """Yields the stems of hyphenated words written as one word: multimessenger."""
    for match in _HYPHENATED.finditer(folded(text)):
        parts = _HYPHENS.split(match[0])
        if len(parts) > 1:
            yield stem("".join(parts)[:_LONGEST])


def split_number(word: str) -> list[str]:
    """Returns separate stems for letters and a number after them: ORCA6 as ORCA 6."""
    match = _NUMBERED.fullmatch(word)
    return [stem(match[1]), match[2]] if match else []


def other_ways(text: str) -> list[str]:
    """Returns additional stems: other ways to write the words of a text."""
    found = list(joined(text))
    for word in words(text):
        found += split_number(word)
    return found


def hyphen_parts(text: str) -> list[str]:
    """Returns the parts between hyphens."""
    return _HYPHENS.split(text)
