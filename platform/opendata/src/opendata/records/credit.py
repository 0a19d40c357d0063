"""Who made a record and who paid for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from opendata.records.identifiers import FunderIdentifier, Orcid, Ror
from opendata.records.texts import EmptyIsNone, Line

#: The fourteen CRediT roles, ANSI/NISO Z39.104-2022, with the last part of their addresses.
ROLES: dict[str, str] = {
    "Conceptualization": "conceptualization",
    "Data curation": "data-curation",
    "Formal analysis": "formal-analysis",
    "Funding acquisition": "funding-acquisition",
    "Investigation": "investigation",
    "Methodology": "methodology",
    "Project administration": "project-administration",
    "Resources": "resources",
    "Software": "software",
    "Supervision": "supervision",
    "Validation": "validation",
    "Visualization": "visualization",
    "Writing – original draft": "writing-original-draft",  # noqa: RUF001 - the standard's dash
    "Writing – review & editing": "writing-review-editing",  # noqa: RUF001
}


def role_address(role: str) -> str:
    """Returns the address of a CRediT role."""
    return f"https://credit.niso.org/contributor-roles/{ROLES[role]}/"


def _role(text: str) -> str:
    """Accept a role by its name, in any case and with any dash, or by its address."""
    wanted = "-".join(
        text.rstrip("/").rpartition("/")[2].lower().replace("–", " ").replace("&", " ")  # noqa: RUF001
        .replace(" and ", " ").replace("-", " ").split()
    )  # fmt: skip
    for name, slug in ROLES.items():
        if slug == wanted:
            return name
    raise ValueError(f"{text!r} is not a CRediT role; the roles are {', '.join(ROLES)}")


def _kind(value: object) -> object:
    """Accept DataCite's and American spellings of a kind."""
    words = {"organization": "organisation", "organizational": "organisation", "personal": "person"}
    return words.get(value.lower(), value) if isinstance(value, str) else value


def web_address(text: str) -> str:
    """Returns a web address unchanged.

    Raises
    ------
    ValueError
        If it is not one; no other scheme may become a link.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or set(text) & set(' <>"\n'):
        raise ValueError(f"{text!r} is not a web address such as https://example.org/grant")
    return text


Role = Annotated[str, AfterValidator(_role)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class _Credit(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def plain(self) -> dict[str, Any]:
        """Returns the fields that have a value."""
        return {key: value for key, value in self.model_dump().items() if value not in (None, [])}


class Affiliation(_Credit):
    """Where somebody works."""

    name: Line = Field(min_length=1, max_length=500)
    ror: Annotated[Ror | None, EmptyIsNone] = None


class Creator(_Credit):
    """A person or organisation that created a record.

    Attributes
    ----------
    kind : str or None
        ``person`` or ``organisation``; None where the name alone is known and does not say.
    name : str
        As it is cited. That of a person is made of family and given name.
    family, given : str or None
        Of a person; who has one name only has a family name only.
    orcid : str or None
        Of a person, as ``0000-0002-1825-0097``.
    ror : str or None
        Of an organisation, as ``https://ror.org/...``.
    affiliations : list of Affiliation
        Where a person worked when making it.
    roles : list of str
        What was contributed, in the words of CRediT.
    """

    kind: Annotated[
        Literal["person", "organisation"] | None, EmptyIsNone, BeforeValidator(_kind)
    ] = None
    name: Line = ""
    family: Annotated[Line | None, EmptyIsNone] = Field(default=None, max_length=200)
    given: Annotated[Line | None, EmptyIsNone] = Field(default=None, max_length=200)
    orcid: Annotated[Orcid | None, EmptyIsNone] = None
    ror: Annotated[Ror | None, EmptyIsNone] = None
    affiliations: list[Affiliation] = Field(default=[], max_length=20)
    roles: list[Role] = Field(default=[], max_length=len(ROLES))

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.kind is None and (self.family or self.given or self.orcid):
            self.kind = "person"
        if self.kind is None and self.ror:
            self.kind = "organisation"
        if self.kind == "person":
            if not self.family and not self.given and self.name:
                from opendata.records.bylines import parts_of_name

                self.family, self.given = parts_of_name(self.name)
            if not self.family:
                self.family, self.given = self.given, None
            if not self.family:
                raise ValueError("a person needs a name: family name, or family and given name")
            if self.ror:
                raise ValueError(
                    f"{self.family}: the ROR of a person is that of an affiliation; give it there"
                )
            self.name = f"{self.family}, {self.given}" if self.given else self.family
        else:
            if not self.name:
                raise ValueError("a creator needs a name")
            if self.family or self.given or self.orcid:
                raise ValueError(f"{self.name}: an organisation has no ORCID iD and no given name")
        self.roles = list(dict.fromkeys(self.roles))
        return self

    @property
    def spoken(self) -> str:
        """The name in the order in which it is spoken."""
        return " ".join(filter(None, (self.given, self.family))) or self.name


class Funding(_Credit):
    """Who paid, by which award.

    Attributes
    ----------
    funder_identifier : str or None
        Address of the funder in ROR or in the Crossref Funder Registry.
    award_number, award_title, award_uri : str or None
        Of the grant or contract.
    """

    funder: Line = Field(min_length=1, max_length=300)
    funder_identifier: Annotated[FunderIdentifier | None, EmptyIsNone] = None
    award_number: Annotated[Line | None, EmptyIsNone] = Field(default=None, max_length=100)
    award_title: Annotated[Line | None, EmptyIsNone] = Field(default=None, max_length=500)
    award_uri: Annotated[WebAddress | None, EmptyIsNone] = Field(default=None, max_length=500)

    @property
    def scheme(self) -> str | None:
        """The register that the funder's identifier is of, in DataCite's words."""
        if self.funder_identifier is None:
            return None
        return "ROR" if "ror.org/" in self.funder_identifier else "Crossref Funder ID"


def byline(creators: Iterable[Creator]) -> str:
    """Returns creators as one text, which older clients read: ``Family, Given; Organisation``."""
    return "; ".join(creator.name for creator in creators)
