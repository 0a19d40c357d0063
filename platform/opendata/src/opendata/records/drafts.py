"""What curators enter about a record and its versions, with its checks."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from opendata.records.bylines import creators_of
from opendata.records.credit import Creator, Funding, byline
from opendata.records.days import Day
from opendata.records.models import Version
from opendata.records.subjects import Subject
from opendata.records.texts import Line, Prose, check_all, written


class Refused(Exception):
    """A step is not possible; the message says why and what to do."""


class NewRecord(BaseModel):
    """What stays the same over the versions of a record."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    identifier: str
    kind: Literal["collection", "stream", "resource"] = "resource"
    aliases: list[str] = Field(default=[], max_length=20)
    parent: str | None = None
    position: int = Field(default=0, ge=0, le=10**6)


def _bare_doi(value: object) -> object:
    """Returns a DOI without the address or ``doi:`` in front of it."""
    if not isinstance(value, str):
        return value
    found = re.sub(r"^(https?://)?(dx\.)?doi\.org/", "", value.strip(), flags=re.IGNORECASE)
    if found != value.strip():
        return unquote(found)
    return re.sub(r"^doi:\s*", "", found, flags=re.IGNORECASE)


class Draft(BaseModel):
    """The content of a version.

    Attributes
    ----------
    creators : list of Creator
        Who made it. If the list is empty, it is read from ``metadata.header.author``, where older
        clients write the authors; otherwise that text is made from the list.
    publisher, issued : str
        By whom and when it was published elsewhere, for example a paper.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: Line = Field(min_length=3, max_length=300)
    #: Exactly as written, including blanks at its ends.
    description: Annotated[
        str,
        StringConstraints(strip_whitespace=False, max_length=20_000),
        AfterValidator(written),
    ] = ""
    ktype: str = Field(max_length=100)
    label: str = Field(default="1.0", pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,2}$", max_length=30)
    metadata: dict[str, Any] = {}
    creators: list[Creator] = Field(default=[], max_length=5000)
    funding: list[Funding] = Field(default=[], max_length=100)
    subjects: list[Subject] = Field(default=[], max_length=100)
    publisher: Line = Field(default="", max_length=300)
    issued: Day = ""
    simulated: bool = False
    doi: Annotated[
        str, BeforeValidator(_bare_doi), Field(pattern=r"^(10\.[0-9]{4,9}/\S+)?$", max_length=200)
    ] = ""
    url: str = Field(default="", pattern=r"^(https?://[^\s/]+\S*)?$", max_length=500)
    service: dict[str, str] = {}
    changes: Prose = Field(default="", max_length=5000)

    @model_validator(mode="after")
    def _each_creator_once(self) -> Self:
        orcids = [creator.orcid for creator in self.creators if creator.orcid]
        for orcid in orcids:
            if orcids.count(orcid) > 1:
                names = [creator.name for creator in self.creators if creator.orcid == orcid]
                raise ValueError(f"creators: {' and '.join(names)} have the same ORCID iD {orcid}")
        return self

    @model_validator(mode="after")
    def _can_be_exported(self) -> Self:
        for place in ("metadata", "service"):
            check_all(getattr(self, place), place)
        return self


def fields_of(draft: Draft) -> dict[str, Any]:
    """Returns a draft as fields of a version, in which creators and author text agree."""
    fields = draft.model_dump(exclude={"creators", "funding", "subjects"})
    for name in ("creators", "funding", "subjects"):
        fields[name] = [item.plain() for item in getattr(draft, name)]
    header = draft.metadata.get("header")
    text = header.get("author") if isinstance(header, dict) else None
    read = creators_of(text) if isinstance(text, str) else []
    if not draft.creators:
        fields["creators"] = [creator.plain() for creator in read]
    elif [item.name for item in read] != [item.name for item in draft.creators] and (
        header is None or isinstance(header, dict)
    ):
        # Older clients, openkm3's catalogue and the files read one text.
        header = (header or {}) | {"author": byline(draft.creators)}
        fields["metadata"] = draft.metadata | {"header": header}
    return fields


def draft_like(version: Version, **changed: Any) -> Draft:
    """Returns a version as a draft, with some fields changed.

    Raises
    ------
    Refused
        If the version breaks rules of today, as older records may.
    """
    return validated(Draft, {name: getattr(version, name) for name in Draft.model_fields} | changed)


M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], fields: dict[str, Any]) -> M:
    """Returns fields as a draft or new record.

    Raises
    ------
    Refused
        Names the first wrong field and the reason.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{place}: {message}" if place else message) from None
