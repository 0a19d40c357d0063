"""Sources that users describe in YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

import astropy.units as u
import yaml
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nugamma.errors import NugammaError, SourceError
from nugamma.sources import flux_points, quantities
from nugamma.sources.source import Source
from nugamma.spectra.compton import PhotonField, photon_fields
from nugamma.spectra.particles import E_0_TEV, ParticleSpectrum


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Position(_Part):
    """Centre of the source, ICRS or galactic."""

    ra: quantities.RightAscension | None = None
    dec: quantities.Declination | None = None
    l: quantities.Longitude | None = None  # noqa: E741 - its usual name
    b: quantities.Latitude | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Self:
        given = {name for name in ("ra", "dec", "l", "b") if getattr(self, name) is not None}
        if given not in ({"ra", "dec"}, {"l", "b"}):
            missing = {"ra", "dec"} - given if given < {"ra", "dec"} else {"l", "b"} - given
            what = f"{' and '.join(sorted(missing))} missing" if missing else "both are given"
            raise ValueError(f"give ra and dec (ICRS), or l and b (galactic); {what}")
        return self

    def coordinates(self) -> SkyCoord:
        """Returns the position, ICRS."""
        if self.ra is not None:
            return SkyCoord(self.ra, self.dec, frame="icrs")
        return SkyCoord(self.l, self.b, frame="galactic").icrs


class Shape(_Part):
    """Surface brightness as a function of the distance from the centre."""

    type: Literal["disk", "gaussian", "point"]
    radius: quantities.Size | None = None

    @model_validator(mode="after")
    def _has_radius(self) -> Self:
        if self.type == "point" and self.radius is not None:
            raise ValueError("a point has no radius; remove it, or use disk or gaussian")
        if self.type != "point" and self.radius is None:
            raise ValueError(f"radius is missing: a {self.type} needs one, as in 0.8 deg")
        return self


class Units(_Part):
    """Units of flux points in the description itself."""

    energy: quantities.EnergyUnit = flux_points.COLUMNS["e_ref"]
    dnde: quantities.FluxUnit = flux_points.COLUMNS["dnde"]


class Points(_Part):
    """Flux points, in a file or in the description."""

    file: str | None = None
    units: Units = Field(default_factory=Units)
    points: list[tuple[quantities.Number, quantities.Number, quantities.Number]] | None = None
    citation: str = ""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.file is None) == (self.points is None):
            raise ValueError("give either file, or points as [energy, dnde, error]")
        return self


class Particles(_Part):
    """Protons or electrons: a power law with an exponential cutoff."""

    amplitude: quantities.PerEnergy
    alpha: quantities.Number
    e_cutoff: quantities.Energy
    beta: quantities.Number = 1.0
    e_0: quantities.Energy = u.Quantity(E_0_TEV, "TeV")

    def spectrum(self) -> ParticleSpectrum:
        """Returns the particle spectrum."""
        return ParticleSpectrum(
            float(self.amplitude.value),
            self.alpha,
            float(self.e_cutoff.value),
            self.beta,
            float(self.e_0.value),
        )


class Photons(_Part):
    """A thermal photon field."""

    name: str
    temperature: quantities.Temperature
    energy_density: quantities.EnergyDensity


class Description(_Part):
    """The whole YAML file."""

    name: str = Field(min_length=1)
    title: str = ""
    position: Position
    distance: quantities.Distance
    morphology: Shape
    flux_points: Points | None = None
    hadronic: Particles | None = None
    leptonic: Particles | None = None
    target_density: quantities.Density = u.Quantity(1.0, "cm-3")
    photon_fields: list[str | Photons] = Field(default=["CMB"], min_length=1)
    citation: str = ""

    @model_validator(mode="after")
    def _one_spectrum(self) -> Self:
        modelled = self.hadronic is not None or self.leptonic is not None
        if (self.flux_points is not None) == modelled:
            raise ValueError(
                "give either flux_points, or a spectral model as hadronic and leptonic"
            )
        return self


class _DuplicateKey(yaml.YAMLError):
    """A key, and the lines that contain it."""


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys (YAML 1.2, 3.2.1.1), of which PyYAML would take the last.

    Reads 10:33:09 as text, as in YAML 1.2; in YAML 1.1 it is a number in base 60.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise _DuplicateKey(key.value, seen[key.value], line)
            seen[key.value] = line
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (
            tag,
            re.compile(r"(?!.*:)" + regexp.pattern, regexp.flags)
            if ":" in regexp.pattern and tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
            else regexp,
        )
        for tag, regexp in resolvers
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def described_source(path: Path) -> Source:
    """Returns the source that a YAML file describes; the README of this folder shows one.

    Parameters
    ----------
    path : Path
        The description. Paths in it are relative to its folder.

    Raises
    ------
    SourceError
        If the file is missing or not YAML, or has unknown or missing keys, wrong units or invalid
        values; one line per mistake.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"source {path} cannot be read: {reason}") from None
    except _DuplicateKey as error:
        key, *lines = error.args
        where = " and ".join(str(line) for line in dict.fromkeys(lines))
        raise SourceError(f"source {path}: duplicate key {key} in lines {where}") from None
    except yaml.YAMLError as error:
        raise SourceError(f"source {path} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise SourceError(f"source {path}: needs keys such as name, position and distance")
    try:
        return _source(Description.model_validate(content), path)
    except ValidationError as error:
        lines = [f"source {path}: {_location(e)}{_message(e)}" for e in error.errors()]
        raise SourceError("\n".join(lines)) from None
    except SourceError:
        raise
    except NugammaError as error:
        raise SourceError(f"source {path}: {error}") from None


def _location(error: Any) -> str:
    keys = ".".join(str(key) for key in error["loc"])
    return f"{keys}: " if keys else ""


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "missing key"
    return str(error["msg"]).removeprefix("Value error, ")


def _source(described: Description, path: Path) -> Source:
    radius = described.morphology.radius
    return Source(
        name=described.name,
        title=described.title or described.name,
        position=described.position.coordinates(),
        distance=described.distance,
        morphology=described.morphology.type,
        radius=u.Quantity(0.0, "deg") if radius is None else radius,
        flux_points=_points(described.flux_points, described.name, path),
        hadronic=described.hadronic.spectrum() if described.hadronic else None,
        leptonic=described.leptonic.spectrum() if described.leptonic else None,
        target_density=described.target_density,
        photon_fields=photon_fields([_field(field) for field in described.photon_fields]),
        citation=described.citation,
    )


def _points(described: Points | None, name: str, path: Path) -> QTable | None:
    if described is None:
        return None
    if described.points is None:
        table = flux_points.read(path.parent / str(described.file), name)
    else:
        units = (described.units.energy, described.units.dnde, described.units.dnde)
        rows = described.points or []
        columns = zip(*rows, strict=True) if rows else ([], [], [])
        table = flux_points.checked(
            QTable(
                {
                    column: u.Quantity(list(values), unit)
                    for column, unit, values in zip(
                        flux_points.COLUMNS, units, columns, strict=True
                    )
                }
            ),
            f"source {path}: flux_points",
        )
    if described.citation:
        table.meta["citation"] = described.citation
    return table


def _field(field: str | Photons) -> str | PhotonField:
    if isinstance(field, str):
        return field
    return PhotonField(
        field.name, float(field.temperature.value), float(field.energy_density.value)
    )
