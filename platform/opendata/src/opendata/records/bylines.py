"""Splits authors written as one text into people and organisations.

Older records have authors as one text, and files still do. Nothing is lost or invented: a text in
which some part is not clearly a person or an organisation stays one creator, named as written.

Migration 0003 converts the texts of older records with this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nameparser import HumanName
from pydantic import ValidationError

from opendata.records.credit import Affiliation, Creator
from opendata.records.texts import cleaned

_ORGANISATION = re.compile(
    r"(?i:\b(collaborations?|consorti(um|a)|institut\w*|universit\w*|universidad|hochschule|"
    r"academy|observator\w*|laborator\w*|cent(er|re|ro|rum)|team|group|project|foundation|agency|"
    r"agence|council|department|ministry|network|association|society|gmbh|infrastructure|facility)"
    r"\b)"
    # Case-sensitive: Esa, Eric and Auger are also names of people.
    r"|\b(AISBL|CEA|CERN|CNRS|ECAP|ESA|IFIC|INFN|NASA|Nikhef|ANTARES|IceCube|KM3Ne[tT])\b"
)
#: Lower-case words that belong to a family name.
_PARTICLE = re.compile(
    r"a|af|al|av|d|da|dal|das|de|degli|dei|del|della|den|der|di|do|dos|du|e|el|em|het|la|las|le|"
    r"les|lo|los|op|'t|te|ten|ter|van|vom|von|y|zu|zum|zur",
    re.IGNORECASE,
)
_ORCID = re.compile(
    r"[\s,]*[(\[<]?\s*(?:ORCID(?: iD)?:?\s*)?((?:https?://)?(?:orcid\.org/)?"
    r"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9Xx])\s*[)\]>]?",
    re.IGNORECASE,
)
_AFFILIATION = re.compile(r"^(?P<name>[^()]+?)\s*\((?P<where>[^()]+)\)$")
_AND = r",?\s+(?:and|&)\s+"
_FOR = r",?\s+(?:on behalf of|for)\s+(?:the\s+)?"
#: ``A.``, ``J.-P.``, ``Ch. M.``, ``J P``, ``JP``.
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.[ -]?)+|[^\W\d_](?:[ -][^\W\d_])*|[A-Z]{2}")


def creators_of(text: str) -> list[Creator]:
    """Returns the creators named in a text, in its order.

    The family name may come first or last; ``;``, line ends, ``and``, ``&`` or commas separate
    people.

    Parameters
    ----------
    text : str
        E.g. ``Margiotta, Annarita; KM3NeT Collaboration`` or ``A. Albert, M. André``.
    """
    whole = " ".join(cleaned(text).replace("\n", ";").split()).strip(" ;,")
    while ";;" in whole or "; ;" in whole:
        whole = whole.replace("; ;", ";").replace(";;", ";")
    if not whole:
        return []
    found: list[Creator] = []
    for part in re.split(r"\s*;\s*", whole):
        several = _several(re.sub(r"^and\s+", "", part))
        if several is None:
            # A part that is not understood may belong to its neighbour.
            return [Creator(name=whole)]
        found += several
    return found


def parts_of_name(name: str) -> tuple[str, str | None]:
    """Returns family and given name of a person; given is None if there is only one name."""
    if name.count(",") == 1:
        family, given = (half.strip() for half in name.split(","))
        if family and given:
            return family, given
    if "," in name:
        return name, None
    parsed = HumanName(name)
    # The library takes "Th." for a title like "Dr.".
    first = [parsed.title] if _INITIALS.fullmatch(parsed.title) and parsed.title != "Dr." else []
    given = " ".join(part for part in (*first, parsed.first, parsed.middle) if part)
    # With a title or suffix, it is not clear what to cite.
    if parsed.last and given and len(f"{given} {parsed.last}".split()) == len(name.split()):
        return parsed.last, given
    return name, None


def _several(text: str) -> list[Creator] | None:
    """Read a part between semicolons; None if it is not clear."""
    if re.fullmatch(r"[^\s,]+", text):
        # A single word is the name of a person or an organisation.
        return [_one(text) or Creator(name=text)]
    return _clear(text)


def _clear(text: str) -> list[Creator] | None:
    """Read a text in which every part must be a person or an organisation."""
    single = _one(text)
    if single is not None:
        return [single]
    for separator in (_AND, _FOR):
        pieces = re.split(separator, text)
        if len(pieces) > 1:
            read = [_clear(piece) for piece in pieces]
            if all(item is not None for item in read):
                return [creator for item in read if item for creator in item]
    return _with_commas(re.split(rf"{_AND}|\s*,\s*", text))


def _with_commas(pieces: Sequence[str]) -> list[Creator] | None:
    """Read a list with commas within names as well as between them."""
    pairs = list(zip(pieces[::2], pieces[1::2], strict=False))
    if len(pieces) % 2 == 0 and all(
        _is_family(family) and _INITIALS.fullmatch(given) for family, given in pairs
    ):
        return [Creator(kind="person", family=family, given=given) for family, given in pairs]
    read = [creator for creator in map(_one, pieces) if creator is not None]
    if len(read) < max(len(pieces), 2):
        return None
    people = [creator for creator in read if creator.kind == "person"]
    others = [creator for creator in read if creator.kind != "person"]
    # "University, Department" is one organisation: the comma does not end it.
    if not all(re.search(r"collaboration|consortium", item.name, re.IGNORECASE) for item in others):
        return None
    # "García Márquez, Gabriel José" is one person, but looks like two.
    first = any(_INITIALS.fullmatch(piece.split()[0]) for piece in pieces)
    return read if first or others or len(people) % 2 else None


def _one(text: str) -> Creator | None:
    """Read one person or organisation; None if it may be several or neither."""
    bare = text.strip()
    orcids = _ORCID.findall(bare)
    if len(orcids) > 1:
        return None
    if orcids:
        bare = _ORCID.sub("", bare).strip()
    where = _AFFILIATION.match(bare)
    if where:
        bare = where["name"]
    names = _names(bare)
    try:
        if names is not None:
            return Creator(
                kind="person",
                family=names[0],
                given=names[1],
                orcid=orcids[0] if orcids else None,
                affiliations=[Affiliation(name=where["where"])] if where else [],
            )
        if not orcids and _is_organisation(text.strip()):
            return Creator(kind="organisation", name=text.strip())
    except ValidationError:
        return None  # an ORCID iD with a wrong digit, a name that is too long
    return None


def _names(text: str) -> tuple[str, str] | None:
    """Returns family and given name if a text is clearly the name of one person."""
    if _ORGANISATION.search(text) or re.search(r"\bet al\b|\d|[@/\\<>{}\"]", text):
        return None
    if text.count(",") == 1:
        family, given = (half.strip() for half in text.split(","))
        if not _is_family(family) or not _is_given(given):
            return None
        # "A. Albert, M. André" are two people, "Jane Doe, John Roe" may be.
        words = [word for word in family.split() if not _PARTICLE.fullmatch(word)]
        if len(words) > 1 and (len(given.split()) > 1 or _INITIALS.fullmatch(words[0])):
            return None
        return family, given
    words = text.split()
    if "," in text or not 2 <= len(words) <= 6 or not all(_is_name(word) for word in words):
        return None
    family, found = parts_of_name(text)
    return (family, found) if found else None


def _is_name(word: str) -> bool:
    """Whether a word can be part of a person's name."""
    letters = word.replace(".", "").replace("-", "").replace("'", "").replace("’", "")  # noqa: RUF001
    return bool(_PARTICLE.fullmatch(word)) or (letters.isalpha() and word[0].isupper())


def _is_family(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= 4 and all(_is_name(w) for w in words) and words[-1][0].isupper()


def _is_given(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= 4 and all(_is_name(w) or _INITIALS.fullmatch(w) for w in words)


def _is_organisation(text: str) -> bool:
    """Whether a text is the name of one organisation; with commas or `and` it may be two."""
    if not _ORGANISATION.search(text) or "@" in text or re.search(r"\bet al\b", text):
        return False
    if re.search(r"\b[Cc]ollaborations\b", text):
        return True  # "KM3NeT and ANTARES Collaborations" does not spell out both names
    if re.search(r"\bon behalf of\b", text):
        return False
    pieces = re.split(r",?\s+(?:and|&|for)\s+|,\s*", text)
    if len(pieces) == 1:
        return True
    # "Institute of Physics and Astronomy" is one, "A Collaboration and B Collaboration" are two.
    named = [piece for piece in pieces if _ORGANISATION.search(piece) or _names(piece)]
    return named == pieces[:1] and bool(_ORGANISATION.search(pieces[0]))
