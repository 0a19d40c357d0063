"""What a record is about, in terms of a thesaurus where possible.

Terms are those of the Unified Astronomy Thesaurus 5.1.0 (2025), https://astrothesaurus.org, CC BY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from opendata.records.credit import WebAddress
from opendata.records.texts import EmptyIsNone, Line
from openkm3.metadata import KTYPES

if TYPE_CHECKING:
    from opendata.records.models import Version

UAT_NAME = "Unified Astronomy Thesaurus"
UAT_ADDRESS = "http://astrothesaurus.org"
#: Terms for neutrino telescopes and related fields, with their numbers in the thesaurus.
UAT: dict[str, int] = {
    "Active galactic nuclei": 16,
    "Astronomy data analysis": 1858,
    "Astronomy databases": 83,
    "Astronomy software": 1855,
    "Blazars": 164,
    "Catalogs": 205,
    "Cosmic ray detectors": 325,
    "Cosmic ray showers": 327,
    "Cosmic ray sources": 328,
    "Cosmic rays": 329,
    "Dark matter": 353,
    "Galactic cosmic rays": 567,
    "Gamma-ray astronomy": 628,
    "Gamma-ray bursts": 629,
    "Gamma-ray telescopes": 634,
    "Gravitational waves": 678,
    "High energy astrophysics": 739,
    "Neutrino astronomy": 1100,
    "Neutrino masses": 1102,
    "Neutrino oscillations": 1104,
    "Neutrino telescopes": 1105,
    "Particle astrophysics": 96,
    "Sky surveys": 1464,
    "Solar neutrinos": 1511,
    "Supernova neutrinos": 1666,
    "Supernova remnants": 1667,
    "Transient sources": 1851,
}
#: Subjects by the beginning of a ktype; the longest match counts.
_BY_KTYPE: dict[str, tuple[str, ...]] = {
    "km3.data": ("Neutrino astronomy",),
    "km3.data.l3.events": ("Neutrino astronomy", "High energy astrophysics"),
    "km3.data.l4.table.binned.aeff": ("Neutrino telescopes", "instrument response function"),
    "km3.data.l4.table.binned.psf": ("Neutrino telescopes", "instrument response function"),
    "km3.data.l4.table.binned.edisp": ("Neutrino telescopes", "instrument response function"),
    "km3.daq": ("Neutrino telescopes", "data acquisition"),
    "km3.env.acoustic": ("ocean acoustics", "underwater sound"),
    "km3.event.alert": ("Neutrino astronomy", "Transient sources"),
    "km3.resource.software": ("Astronomy software",),
    "km3.resource.service": ("Neutrino astronomy", "Astronomy databases"),
}
#: ktypes whose label says nothing about the content.
_GENERAL = ("km3.collection", "km3.stream", "km3.resource", "km3.data.l4")


class Subject(BaseModel):
    """One subject.

    Attributes
    ----------
    term : str
        The term as displayed.
    scheme, scheme_uri, uri : str or None
        The thesaurus, its address, and the address of the term; filled in for terms spelt as in the
        Unified Astronomy Thesaurus.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    term: Line = Field(min_length=1, max_length=200)
    scheme: Annotated[Line | None, EmptyIsNone] = Field(default=None, max_length=200)
    scheme_uri: Annotated[WebAddress | None, EmptyIsNone] = Field(default=None, max_length=500)
    uri: Annotated[WebAddress | None, EmptyIsNone] = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _is_in_the_thesaurus(self) -> Self:
        number = UAT.get(self.term)
        if number is not None and self.scheme in (None, UAT_NAME, "UAT") and self.uri is None:
            self.scheme, self.scheme_uri = UAT_NAME, UAT_ADDRESS
            self.uri = f"{UAT_ADDRESS}/uat/{number}"
        return self

    def plain(self) -> dict[str, Any]:
        """Returns the fields that have a value."""
        return self.model_dump(exclude_none=True)


def subjects_of(version: Version) -> list[Subject]:
    """Returns the subjects of a version: chosen by its curators, else implied by its ktype.

    Names of content and instrument are added as keywords.
    """
    chosen = [Subject.model_validate(item) for item in version.subjects]
    found = chosen or [Subject(term=term) for term in _implied(version)]
    words = []
    if version.ktype in KTYPES and version.ktype not in _GENERAL:
        words.append(KTYPES[version.ktype].label)
    words.append(version.annotation.header.instrument or "")
    words.append("simulated data" if version.simulated else "")
    terms = {subject.term.lower() for subject in found}
    found += [Subject(term=word) for word in words if word and word.lower() not in terms]
    return found


def _implied(version: Version, depth: int = 3) -> list[str]:
    """Returns the terms that a ktype implies; a collection has those of its records."""
    if version.record.kind == "resource":
        return list(_by_ktype(version.ktype))
    terms: list[str] = []
    parts = version.record.children.filter(current__isnull=False, withdrawn=False)
    for part in parts.select_related("current__record") if depth else []:
        current = part.current
        if current is not None:
            chosen = [str(item["term"]) for item in current.subjects]
            terms += chosen or _implied(current, depth - 1)
    return list(dict.fromkeys(terms))


def _by_ktype(ktype: str) -> tuple[str, ...]:
    while ktype:
        if ktype in _BY_KTYPE:
            return _BY_KTYPE[ktype]
        ktype = ktype.rpartition(".")[0]
    return ()
