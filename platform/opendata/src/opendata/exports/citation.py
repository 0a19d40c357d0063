"""Citations as BibTeX, RIS and a sentence; re-exports the other formats of metadata."""

from __future__ import annotations

import re

from pylatexenc.latexencode import (
    RULE_DICT,
    RULE_REGEX,
    UnicodeToLatexConversionRule,
    UnicodeToLatexEncoder,
)

from opendata.exports.datacite import datacite, datacite_xml, resource_type
from opendata.exports.publication import issued, publisher, year
from opendata.exports.schemaorg import jsonld, ro_crate
from opendata.exports.signposting import cite_as
from opendata.records.credit import Creator
from opendata.records.models import Version
from opendata.records.subjects import subjects_of

__all__ = [
    "bibtex",
    "datacite",
    "datacite_xml",
    "jsonld",
    "resource_type",
    "ris",
    "ro_crate",
    "text",
]

#: BibTeX counts braces even where a backslash is in front of them.
_BRACES = UnicodeToLatexConversionRule(RULE_DICT, {ord("{"): r"\lbrace", ord("}"): r"\rbrace"})
#: A single Greek letter is a symbol. Greek words are not formulas: LaTeX's mathematics has a Latin
#: X for a capital chi, and it has Cyrillic letters in some fonts only.
_WORDS = UnicodeToLatexConversionRule(
    RULE_REGEX,
    [(re.compile("[\u0370-\u03ff\u1f00-\u1fff]{2,}|[\u0400-\u052f]+"), lambda word: word[0])],
    replacement_latex_protection="none",
)
_ENCODER = UnicodeToLatexEncoder(
    conversion_rules=[_BRACES, _WORDS, "defaults"],
    replacement_latex_protection="braces-all",
    unknown_char_policy="keep",  # letters of other scripts; biber and XeTeX read them
    unknown_char_warning=False,
)


def bibtex(version: Version) -> str:
    """Returns a BibTeX entry, in ASCII wherever LaTeX has a notation; nothing is left out."""
    key = f"km3net:{version.record.identifier}:{version.label}"
    day = issued(version)
    fields = {
        "author": " and ".join(_tex_name(creator) for creator in version.people),
        "title": f"{{{_tex(version.title)}}}",
        "year": year(version),
        "month": str(int(day[5:7])) if day and len(day) > 4 else None,
        "publisher": _tex(publisher(version) or ""),
        "version": version.label,
        "doi": _verbatim(version.doi),
        "url": _verbatim(cite_as(version)),
        "keywords": _tex(", ".join(subject.term for subject in subjects_of(version))),
        "abstract": _tex(version.description),
    }
    rows = ",\n".join(f"  {name:<9} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{'article' if version.ktype.endswith('.paper') else 'misc'}{{{key},\n{rows}\n}}\n"


def _tex_name(creator: Creator) -> str:
    """Returns a name such that BibTeX splits the names of persons only."""
    if creator.family and creator.given:
        return ", ".join(_tex_part(part) for part in (creator.family, creator.given))
    return f"{{{_tex(creator.name)}}}"


def _tex_part(text: str) -> str:
    """Returns a family or given name, with braces around words at which BibTeX would split it."""
    words = text.split()
    # In "Pérez de los Heros", BibTeX would take everything up to "los" as the particle.
    particle_inside = words[0][0].isupper() and any(word[0].islower() for word in words[1:])
    divides = any(word.lower() in ("and", "others") for word in words)
    if "," in text or divides or particle_inside:
        return f"{{{_tex(text)}}}"
    return _tex(text)


def _tex(text: str) -> str:
    return str(_ENCODER.unicode_to_latex(" ".join(text.split())))


def _verbatim(text: str) -> str:
    """Returns an address or DOI, which styles print verbatim; a brace would end the field."""
    return text.replace("{", "%7B").replace("}", "%7D")


def ris(version: Version) -> str:
    """Returns the citation in RIS, which reference managers read."""
    day = issued(version)
    rows = [
        ("TY", "JOUR" if version.ktype.endswith(".paper") else "DATA"),
        *(("AU", creator.name) for creator in version.people),
        ("TI", version.title),
        ("PY", year(version)),
        ("DA", "/".join([*day.split("-"), "", ""][:3]) + "/" if day else None),
        ("PB", publisher(version)),
        ("ET", version.label),
        ("UR", cite_as(version)),
        ("DO", version.doi),
        # A field of RIS is one line.
        ("AB", version.description),
        *(("KW", subject.term) for subject in subjects_of(version)),
    ]
    lines = [f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in rows if value]
    return "".join(lines) + "ER  - \r\n"


def text(version: Version) -> str:
    """Returns the citation as one sentence."""
    day, by = year(version), publisher(version)
    names = "; ".join(creator.name for creator in version.people)
    begin = version.title.rstrip(".") + f", version {version.label}"
    dated = f"{names} ({day}): {begin}" if names else f"{begin} ({day})"
    undated = f"{names}: {begin}" if names else begin
    parts = [dated if day else undated, *([by.rstrip(".")] if by else []), cite_as(version)]
    return ". ".join(parts)
