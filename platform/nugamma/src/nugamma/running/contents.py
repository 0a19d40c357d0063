"""A source as JSON, so that a result contains what it was made from."""

from __future__ import annotations

from dataclasses import asdict, fields
from functools import singledispatch
from io import StringIO
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from nugamma.errors import NugammaError, RunningError
from nugamma.sources import Source
from nugamma.spectra import ParticleSpectrum, PhotonField

#: Fields on which no number depends.
DESCRIPTIVE = frozenset({"title", "citation"})


def source_content(source: Source) -> dict[str, Any]:
    """Returns everything about a source, without loss.

    Positions are ICRS in degrees, quantities a number and a unit, flux points the text of an ECSV
    file.
    """
    return {field.name: _encoded(getattr(source, field.name)) for field in fields(source)}


def source_of(content: dict[str, Any]) -> Source:
    """Returns the source that `source_content` describes.

    Raises
    ------
    RunningError
        If the content is not from this version of nugamma.
    """
    known = {field.name for field in fields(Source)}
    try:
        if unknown := set(content) - known:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}")
        return Source(**{name: _decoded(name, value) for name, value in content.items()})
    except (NugammaError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunningError(
            f"the source in this result cannot be read ({error}): it was changed, or written by "
            "another version of nugamma; make the result again"
        ) from error


def source_differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Returns the differences between two sources in words, except titles and citations.

    Parameters
    ----------
    one, other
        From `source_content`.

    Returns
    -------
    list of str
        For example ``distance (1.0 kpc and 5.0 kpc)``.
    """
    found = []
    for name in dict.fromkeys([*one, *other]):
        first, second = one.get(name), other.get(name)
        if name in DESCRIPTIVE or _same(first, second):
            continue
        words = name.replace("_", " ")
        short = [_brief(value) for value in (first, second)]
        found.append(words if None in short else f"{words} ({short[0]} and {short[1]})")
    return found


@singledispatch
def _encoded(value: Any) -> Any:
    raise TypeError(f"a result cannot contain {type(value).__name__}")


@_encoded.register(str | bool | float | int | None)
def _plain(value: Any) -> Any:
    return value


@_encoded.register
def _position(value: SkyCoord) -> Any:
    return {"ra": float(value.icrs.ra.deg), "dec": float(value.icrs.dec.deg)}


@_encoded.register
def _quantity(value: u.Quantity) -> Any:
    return {"value": float(value.value), "unit": value.unit.to_string()}


@_encoded.register
def _table(value: QTable) -> Any:
    text = StringIO()
    value.write(text, format="ascii.ecsv")
    return {"ecsv": text.getvalue()}


@_encoded.register
def _particles(value: ParticleSpectrum) -> Any:
    return value.to_dict()


@_encoded.register
def _fields(value: tuple) -> Any:  # type: ignore[type-arg]
    return [asdict(field) for field in value]


def _decoded(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(PhotonField(**field) for field in value)
    if not isinstance(value, dict):
        return value
    if "ecsv" in value:
        return QTable.read(value["ecsv"].splitlines(), format="ascii.ecsv")
    if "unit" in value:
        return u.Quantity(value["value"], value["unit"])
    if "ra" in value:
        return SkyCoord(value["ra"], value["dec"], unit="deg", frame="icrs")
    if "amplitude" in value:
        return ParticleSpectrum(**value)
    raise ValueError(f"unknown {name}")


def _same(one: Any, other: Any) -> bool:
    """Returns whether values are equal as numbers (1 kpc is 1000 pc), ignoring metadata."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one == other)
    if "unit" in one and "unit" in other:
        first, second = (u.Quantity(q["value"], q["unit"]) for q in (one, other))
        return bool(first.unit.is_equivalent(second.unit) and u.isclose(first, second, rtol=1e-12))
    if "ecsv" in one and "ecsv" in other:
        return _columns(one) == _columns(other)
    return one == other


def _columns(content: dict[str, Any]) -> str:
    """Returns names, units, values and masks of a table as text, in which NaN equals NaN."""
    columns = []
    for name, column in _decoded("flux_points", content).columns.items():
        values = np.asarray(getattr(column, "unmasked", column))
        mask = np.broadcast_to(getattr(column, "mask", False), values.shape)
        unit = str(getattr(column, "unit", None))
        columns.append((name, unit, np.where(mask, 0, values).tolist(), mask.tolist()))
    return repr(columns)


def _brief(value: Any) -> str | None:
    """Returns a short value as text, None if it is too long for a sentence."""
    if isinstance(value, dict) and "unit" in value:
        return f"{value['value']} {value['unit']}"
    if isinstance(value, dict) and "ra" in value:
        return f"ra {value['ra']:g} dec {value['dec']:g}"
    return value if isinstance(value, str) else None
