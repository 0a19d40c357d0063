"""Pydantic fields for numbers with units, written as ``0.29 kpc``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import astropy.units as u
from astropy.coordinates import Angle
from pydantic import AfterValidator, BeforeValidator

from nugamma.sources import flux_points

if TYPE_CHECKING:
    from collections.abc import Callable


def _quantity(unit: str, example: str) -> BeforeValidator:
    def parse(value: object) -> u.Quantity:
        if not isinstance(value, str):
            raise ValueError(f"is {value!r}; write a number with its unit, as in {example}")
        try:
            return u.Quantity(value).to(unit)
        except (TypeError, ValueError):
            raise ValueError(
                f"is {value!r}; write a number with a unit like {unit}, as in {example}"
            ) from None

    return BeforeValidator(parse)


def _unit(like: u.Unit) -> BeforeValidator:
    def parse(value: object) -> u.Unit:
        try:
            unit = u.Unit(str(value))
        except ValueError:
            raise ValueError(f"is {value!r}, which astropy does not know as a unit") from None
        if not unit.is_equivalent(like):
            raise ValueError(f"is {value!r}, not a unit like {like}")
        return unit

    return BeforeValidator(parse)


def _between(low: float, high: float) -> Callable[[u.Quantity], u.Quantity]:
    def check(value: u.Quantity) -> u.Quantity:
        if not low <= value.value <= high:
            raise ValueError(f"is {value}; it must be between {low:g} and {high:g} deg")
        return value

    return check


def _on_sky(example: str, *, hours: bool) -> BeforeValidator:
    """An angle with its unit, or sexagesimal (right ascension in hours, as usual)."""

    def parse(value: object) -> u.Quantity:
        text = value.strip() if isinstance(value, str) else ""
        try:
            if _SEXAGESIMAL.fullmatch(text):
                unit = u.hourangle if hours and not text.lower().count("d") else u.deg
                if "h" in text.lower() and not hours:
                    raise ValueError
                return u.Quantity(Angle(text, unit=unit), u.deg)
            return u.Quantity(text or None).to(u.deg)
        except (TypeError, ValueError):
            raise ValueError(
                f"is {value!r}; write a number with a unit like deg, as in {example}"
            ) from None

    return BeforeValidator(parse)


_SEXAGESIMAL = re.compile(
    r"[+-]?\d+(\s*[:hd ]\s*)\d+(\s*[:m' ]\s*\d+(\.\d*)?)?\s*[sm\"]?", re.IGNORECASE
)


def _not_boolean(value: object) -> object:
    """Refuses yes and no, which pydantic would convert to 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"is {value}, not a number")
    return value


Number = Annotated[float, BeforeValidator(_not_boolean)]
_RA, _LATITUDE = "128.3 deg or 08:33:12", "-45.2 deg or -45:12:00"
RightAscension = Annotated[Any, AfterValidator(_between(0, 360)), _on_sky(_RA, hours=True)]
Declination = Annotated[Any, AfterValidator(_between(-90, 90)), _on_sky(_LATITUDE, hours=False)]
Longitude = Annotated[Any, AfterValidator(_between(-180, 360)), _on_sky("263.6 deg", hours=False)]
Latitude = Annotated[Any, AfterValidator(_between(-90, 90)), _on_sky("-2.8 deg", hours=False)]
Size = Annotated[Any, _quantity("deg", "0.8 deg")]
Distance = Annotated[Any, _quantity("kpc", "0.29 kpc")]
Energy = Annotated[Any, _quantity("TeV", "100 TeV")]
PerEnergy = Annotated[Any, _quantity("eV-1", "1.5e35 eV-1")]
Density = Annotated[Any, _quantity("cm-3", "1 cm-3")]
Temperature = Annotated[Any, _quantity("K", "30 K")]
EnergyDensity = Annotated[Any, _quantity("eV cm-3", "0.5 eV cm-3")]
EnergyUnit = Annotated[Any, _unit(flux_points.COLUMNS["e_ref"])]
FluxUnit = Annotated[Any, _unit(flux_points.COLUMNS["dnde"])]
