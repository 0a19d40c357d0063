"""The contract between client and server: the answer to ``GET SERVER/catalog.json``.

One document lists everything that is published. A server builds it from these models, and a client
reads it with the same models, so both follow the same rules:

- identifiers and aliases are unique in the catalogue;
- a collection or stream names its parts in `children`; parts are entries too, and no entry is a
  part of itself, directly or indirectly;
- an address may be relative to the address of the catalogue;
- `version` is MAJOR.MINOR. A client reads every minor version of its major version and ignores
  unknown fields; a change that would mislead an older client raises the major version.

Only pydantic is needed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from .errors import CatalogueError, UnknownIdentifier
from .metadata import Annotation

#: Name and version of the format that this module defines.
FORMAT = "openkm3-catalogue"
VERSION = "1.0"

Kind = Literal["collection", "stream", "resource"]
State = Literal["published", "withdrawn"]

Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:+\-]{0,199}$", strip_whitespace=True)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]


def _web_address(text: str) -> str:
    """Accept only http(s) addresses and relative references: no local files, no other schemes."""
    parts = urlsplit(text)
    if parts.scheme not in ("", "http", "https") or (parts.scheme and not parts.netloc):
        raise ValueError("is not a web address")
    if any(ord(character) < 33 for character in text):
        raise ValueError("contains spaces or control characters")
    return text


def _file_name(text: str) -> str:
    """Accept only plain file names, since the client stores the file under this name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+\- ]{0,199}", text) or ".." in text:
        raise ValueError("is not a plain file name")
    return text


Address = Annotated[str, AfterValidator(_web_address)]
FileName = Annotated[str, AfterValidator(_file_name)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Service(_Model):
    """Where a table can be queried in the Virtual Observatory."""

    table: str | None = None
    tap: Address | None = None
    scs: Address | None = None


class Entry(_Model):
    """One collection, stream or resource.

    Attributes
    ----------
    identifier : str
        ``<class><yy>_<nn>[_<part>]``, e.g. ``ana20_01_acc``.
    aliases : list of str
        Other names under which it has been published, e.g. ``annotated_aeff0``.
    ktype : str
        The kind of content, which decides the client's class (:data:`openkm3.metadata.KTYPES`).
    url : str, optional
        Address of the file; for papers and software the page to visit.
    filename, media_type, size, sha256, etag
        Of the file. A client that has a file with this sha256 does not download it again; a
        download must have this size and sha256.
    tables : list of str
        Names of the tables in the file.
    children : list of str
        Identifiers of the parts, in display order.
    metadata : Annotation
        The file's own metadata, so that clients can show it without the file.
    """

    identifier: Identifier
    aliases: list[Identifier] = []
    title: str
    description: str = ""
    kind: Kind
    ktype: str
    state: State = "published"
    version: str | None = None
    doi: str | None = None
    license: str | None = None
    instrument: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    landing_page: Address | None = None
    url: Address | None = None
    filename: FileName | None = None
    media_type: str | None = None
    size: int | None = Field(default=None, ge=0)
    sha256: Sha256 | None = None
    etag: str | None = None
    tables: list[str] = []
    children: list[Identifier] = []
    service: Service | None = None
    metadata: Annotation = Field(default_factory=Annotation)

    @model_validator(mode="after")
    def _resources_have_no_parts(self) -> Self:
        if self.kind == "resource" and self.children:
            raise ValueError(
                f"resource {self.identifier} has children; only collections and streams may"
            )
        return self


class Catalogue(_Model):
    """Everything that a server publishes."""

    format: Literal["openkm3-catalogue"] = "openkm3-catalogue"
    version: str = Field(default=VERSION, pattern=r"^\d+\.\d+$")
    title: str = "Open Data Center"
    updated: datetime | None = None
    entries: list[Entry] = []

    @model_validator(mode="after")
    def _names_and_parts_are_sound(self) -> Self:
        names: set[str] = set()
        for entry in self.entries:
            for name in (entry.identifier, *entry.aliases):
                if name in names:
                    raise ValueError(f"the identifier {name} is used twice")
                names.add(name)
        children = {entry.identifier: entry.children for entry in self.entries}
        for identifier, parts in children.items():
            for part in parts:
                if part not in children:
                    raise ValueError(
                        f"{identifier} names the part {part}, but there is no such entry"
                    )
        try:
            TopologicalSorter(children).prepare()
        except CycleError as error:
            raise ValueError(f"{error.args[1][0]} is a part of itself") from None
        return self

    @classmethod
    def parse(cls, content: bytes | str) -> Catalogue:
        """Read a catalogue document.

        Raises
        ------
        CatalogueError
            If it is not a catalogue, has another major version, or breaks the rules; the message
            says where.
        """
        try:
            data = json.loads(content)
            if _HAS_CONTROLS.search(content if isinstance(content, bytes) else content.encode()):
                data = _harmless(data)
        except (ValueError, RecursionError):
            raise CatalogueError("is not JSON") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise CatalogueError(f"is not a catalogue: it has no format {FORMAT!r}")
        major = str(data.get("version", "")).split(".")[0]
        if major != VERSION.split(".", maxsplit=1)[0]:
            raise CatalogueError(
                f"has version {data.get('version')}, but this openkm3 reads version {VERSION}: "
                "install a newer openkm3"
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise CatalogueError(f"{place + ': ' if place else ''}{first['msg']}") from None

    def dump(self) -> bytes:
        """Return the document as a server sends it."""
        return self.model_dump_json(exclude_none=True, exclude_defaults=False).encode()

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {name: e for e in self.entries for name in (e.identifier, *e.aliases)}

    def __getitem__(self, name: str) -> Entry:
        """Return the entry with this identifier or alias.

        Raises
        ------
        UnknownIdentifier
            If there is none; the message suggests similar identifiers.
        """
        try:
            return self._by_name[name]
        except KeyError:
            close = get_close_matches(str(name), self._by_name, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise UnknownIdentifier(f"The catalogue has no entry {name!r}{hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def children(self, name: str) -> list[Entry]:
        """Return the parts of a collection or stream."""
        return [self._by_name[part] for part in self[name].children]

    def collections(self) -> list[Entry]:
        """Return the collections that are not part of another one."""
        parts = {part for entry in self.entries for part in entry.children}
        return [e for e in self.entries if e.kind == "collection" and e.identifier not in parts]

    def resources(self) -> Iterator[Entry]:
        """Yield all resources in the catalogue's order."""
        return (entry for entry in self.entries if entry.kind == "resource")


#: Control characters in a JSON document, escaped or not; a few harmless ones match, too.
_HAS_CONTROLS = re.compile(rb"\\u00[0189]|\\u007[fF]|\\r|\xc2[\x80-\x9f]|\x7f")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _harmless(value: Any) -> Any:
    """Return JSON content without control characters, which could take over a terminal."""
    if isinstance(value, str):
        return _CONTROLS.sub("\ufffd", value)
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    if isinstance(value, dict):
        return {_harmless(key): _harmless(item) for key, item in value.items()}
    return value


def json_schema() -> dict[str, Any]:
    """Return the contract as JSON Schema, for servers to publish."""
    return Catalogue.model_json_schema()
