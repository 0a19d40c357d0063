"""The parts of GCN's core schema that KM3NeT's notice uses, one class per schema document.

Source: gcn.nasa.gov/schema/v6.1.0, gcn/notices/core. JSON Schema's types are applied strictly: a
number may be 1 or 1.0 but not "1" or true, and null is not a value. Fields outside the schema are
kept unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, field_validator
from pydantic import WithJsonSchema as JsonSchema


def shown(value: object, limit: int = 40) -> str:
    """Return a value, shortened to be quoted in an error message."""
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"must be a number such as 1.5, not {shown(value)}"
        raise ValueError(msg)
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"must be a finite number, not {value}"
        raise ValueError(msg)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"must be text, not {shown(value)}"
        raise ValueError(msg)
    return value


def _list(item: Callable[[object], Any], least: int, most: float) -> Callable[[object], list[Any]]:
    def check(value: object) -> list[Any]:
        if not isinstance(value, list):
            msg = f"must be a list, not {shown(value)}"
            raise ValueError(msg)
        if not least <= len(value) <= most:
            msg = f"must have {least} to {most} items, but has {len(value)}"
            raise ValueError(msg)
        return [item(part) for part in value]

    return check


def _one_or_list(
    item: Callable[[object], Any], least: int, most: float
) -> Callable[[object], Any | list[Any]]:
    several = _list(item, least, most)

    def check(value: object) -> Any | list[Any]:
        return several(value) if isinstance(value, list) else item(value)

    return check


def _dictionary(item: Callable[[object], Any]) -> Callable[[object], dict[str, Any]]:
    def check(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            msg = f"must be an object such as {{...}}, not {shown(value)}"
            raise ValueError(msg)
        return {key: item(part) for key, part in value.items()}

    return check


def _number_or_text(value: object) -> int | float | str:
    return value if isinstance(value, str) else _number(value)


_NUMBER = {"type": "number"}
_STRING = {"type": "string"}

Number = Annotated[int | float, PlainValidator(_number), JsonSchema(_NUMBER)]
Text = Annotated[str, PlainValidator(_text), JsonSchema(_STRING)]
Names = Annotated[
    str | list[str],
    PlainValidator(_one_or_list(_text, 0, math.inf)),
    JsonSchema({"oneOf": [_STRING, {"type": "array", "items": _STRING}]}),
]
Uncertainty = Annotated[
    int | float | list[int | float],
    PlainValidator(_one_or_list(_number, 0, 2)),
    JsonSchema({"oneOf": [_NUMBER, {"type": "array", "items": _NUMBER, "maxItems": 2}]}),
]
SkyRegion = Annotated[
    int | float | list[int | float],
    PlainValidator(_one_or_list(_number, 1, 3)),
    JsonSchema(
        {"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER, "minItems": 1, "maxItems": 3}]}
    ),
]
Pair = Annotated[
    list[int | float],
    PlainValidator(_list(_number, 2, 2)),
    JsonSchema({"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}),
]
Texts = Annotated[
    list[str],
    PlainValidator(_list(_text, 0, math.inf)),
    JsonSchema({"type": "array", "items": _STRING}),
]
Numbers = Annotated[
    dict[str, int | float],
    PlainValidator(_dictionary(_number)),
    JsonSchema({"type": "object", "additionalProperties": _NUMBER}),
]
References = Annotated[
    dict[str, int | float | str],
    PlainValidator(_dictionary(_number_or_text)),
    JsonSchema({"type": "object", "additionalProperties": {"type": ["number", "string"]}}),
]


class Notice(BaseModel):
    """Base class of all parts: strict types, no null; unknown fields are kept."""

    model_config = ConfigDict(extra="allow", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_null(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name != "schema_uri":
            msg = "must not be null: leave the field out"
            raise ValueError(msg)
        return value

    def fields(self) -> dict[str, Any]:
        """Return all fields that are set, known or not, under the names of the JSON document."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class Naming(Notice):
    """core/Event: names and identifiers."""

    event_name: Names | None = None
    id: Names | None = None
    data_archive_page: Text | None = None


class Moment(Notice):
    """core/DateTime: times, ISO 8601, UTC."""

    trigger_time: Text | None = None
    trigger_time_error: Uncertainty | None = None
    observation_start: Text | None = None
    observation_stop: Text | None = None
    observation_livetime: Number | None = None


class Localization(Notice):
    """core/Localization: ICRS, degrees."""

    ra: Number | None = None
    dec: Number | None = None
    ra_dec_error: SkyRegion | None = None
    containment_probability: Number | None = None
    systematic_included: bool | None = None
    instrument_phi: Number | None = None
    instrument_theta: Number | None = None
    instrument_semimajor_angle: Number | None = None
    healpix_url: Text | None = None
    healpix_file: Text | None = None

    @property
    def error_radius(self) -> float | None:
        """Radius of the error region (for an ellipse its semi-major axis), in degrees."""
        error = self.ra_dec_error
        if isinstance(error, list):
            return float(max(error[:2]))
        return None if error is None else float(error)


class Sequence(Notice):
    """core/Alert: time of the notice, and its place in a sequence."""

    alert_datetime: Text | None = None
    alert_tense: (
        Literal["current", "archival", "planned", "injection", "commanded", "test"] | None
    ) = None
    alert_type: Literal["initial", "subsequent", "update", "retraction"] | None = None


class Reporter(Notice):
    """core/Reporter: the mission that reports."""

    mission: Text | None = None
    instrument: Text | None = None
    record_number: Number | None = None
    messenger: Literal["EM", "GW", "Neutrino"] | None = None
    spectral_band: Pair | None = None
    spectral_band_units: Literal["keV", "nm", "MHz"] | None = None
    filter: Texts | None = None


class Statistics(Notice):
    """core/Statistics: significance. ``far`` is in Hz."""

    far: Number | None = None
    trigger_type: Literal["rate", "image"] | None = None
    net_count_rate: Number | None = None
    # The schema's own spelling.
    backgound_count_rate: Number | None = None
    rate_snr: Number | None = None
    rate_duration: Number | None = None
    rate_energy_range: Pair | None = None
    image_snr: Number | None = None
    image_duration: Number | None = None
    image_energy_range: Pair | None = None
    p_astro: Number | None = None
    classification: Numbers | None = None
    properties: Numbers | None = None


class FollowUp(Notice):
    """core/FollowUp: other observations."""

    ref_type: Text | None = None
    ref_instrument: Text | None = None
    ref_ID: Text | None = None  # noqa: N815 - the schema's name
    reference: References | None = None


class Distance(Notice):
    """core/Distance, in Mpc."""

    luminosity_distance: Number | None = None
    luminosity_distance_error: Uncertainty | None = None


class Redshift(Notice):
    """core/Redshift."""

    redshift: Number | None = None
    redshift_error: Uncertainty | None = None
    redshift_measure: Literal["spectroscopic", "photometric"] | None = None
    redshift_type: Literal["emission", "absorption", "host"] | None = None


__all__ = [
    "Distance",
    "Field",
    "FollowUp",
    "Localization",
    "Moment",
    "Naming",
    "Notice",
    "Number",
    "Redshift",
    "Reporter",
    "Sequence",
    "Statistics",
    "Text",
    "shown",
]
