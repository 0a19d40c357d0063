"""The metadata that every published file carries: header, origin, paraminfo, ktype.

Every writer stores it in its format, and the reader returns it unchanged. Unknown keys are kept,
since published files have some that are not documented.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..errors import MetadataError


def _text(value: object) -> object:
    """Convert numbers, and bytes as HDF5 returns them, to text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


def _object(value: object) -> object:
    """Parse JSON text: the published ORCA file stores its paraminfo as JSON texts."""
    value = _text(value)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


Text = Annotated[str, BeforeValidator(_text)]
Number = int | float


class _Block(BaseModel):
    """A block of metadata; keys outside the model are kept."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True)

    def plain(self) -> dict[str, Any]:
        """Return the block as a dict for JSON, without the keys that have no value."""
        return self.model_dump(mode="json", exclude_none=True)


class Header(_Block):
    """Author, content and conditions of use."""

    name: Text | None = None
    description: Text | None = None
    author: Text | None = None
    contact: Text | None = None
    instrument: Text | None = None
    license: Text | None = None
    reference: Text | None = None
    doi: Text | None = None
    version: Text | None = None
    created: Text | None = None
    measurement_start: Text | None = None
    measurement_stop: Text | None = None


class TimeRange(_Block):
    """When the data were taken (UTC, ISO 8601)."""

    measurement_start: Text
    measurement_stop: Text
    ktype: Text | None = "km3.range.time"


class ValueRange(_Block):
    """The range of a quantity that was selected."""

    min: Number
    max: Number
    unit: Text | None = None
    ktype: Text | None = None


class Origin(_Block):
    """The selection of the data: their ranges of time, zenith, energy, ..."""

    range: dict[str, TimeRange | ValueRange] = Field(default_factory=dict)


class Parameter(_Block):
    """The description of one column, axis or result."""

    columnname: Text | None = None
    name: Text | None = None
    description: Text | None = None
    unit: Text | None = None
    symbol: Text | None = None
    ucd: Text | None = None
    range: tuple[Number, Number] | None = None
    ktype: Text | None = None


class Annotation(_Block):
    """All metadata of one data set."""

    kid: Text | None = None
    ktype: Text | None = None
    header: Header = Field(default_factory=Header)
    origin: Origin = Field(default_factory=Origin)
    paraminfo: dict[str, Annotated[Parameter, BeforeValidator(_object)]] = Field(
        default_factory=dict
    )
    conditions: Annotated[dict[str, Any] | None, BeforeValidator(_object)] = None

    @classmethod
    def parse(cls, content: object) -> Annotation:
        """Parse metadata from a file.

        Raises
        ------
        MetadataError
            If a block is malformed; the message says where.
        """
        try:
            return cls.model_validate(_object(content))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "metadata"
            raise MetadataError(f"metadata: {place}: {first['msg']}") from None
