"""What every instrument of an analysis has, whether it points at a source or not."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, Literal, Self

import numpy as np
from astropy import units as u
from gammapy.datasets import MapDataset
from gammapy.maps import MapAxis

from nugamma import __version__
from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.folding import pixel_response
from nugamma.datasets.grouping import group
from nugamma.datasets.morphology import Placed, spatial_model
from nugamma.errors import DatasetError

Report = Callable[[str], None]

#: Increases when the same inputs give different datasets.
REVISION = 1


def silent(_: str) -> None:
    """Drops a progress message."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Instrument(ABC):
    """An instrument and its observation: all that its datasets of a source depend on.

    Two kinds exist: `~nugamma.datasets.PointedTelescope` follows its source,
    `~nugamma.datasets.FixedDetector` sees it pass. `nugamma.CTA` and `nugamma.ARCA` are ready;
    another instrument is one more object, often made from one of these by `replace`.

    Parameters
    ----------
    name
        Short name, unique within an analysis: for files, caches and results.
    label
        Name in figures and messages.
    messenger
        Which flux of a source the instrument measures.
    colour
        In figures.
    livetime
        Total time of data taking.
    energy, energy_true
        Bin edges of the reconstructed and true energy, shapes (n_reco + 1,) and (n_true + 1,).
    response
        Instrument response, or where to read it; the default depends on the kind of instrument.

    Raises
    ------
    DatasetError
        If the livetime is not positive.
    """

    name: str
    label: str
    messenger: Literal["gamma", "neutrino"]
    colour: str
    livetime: u.Quantity
    energy: u.Quantity
    energy_true: u.Quantity
    response: Any = None

    def __post_init__(self) -> None:
        if not self.livetime > 0 * u.s:
            raise DatasetError(
                f"{self.label} cannot observe for {self.livetime}: the livetime must be positive"
            )

    def replace(self, **changes: Any) -> Self:
        """Returns the same instrument with some parameters changed."""
        return dataclasses.replace(self, **changes)

    @property
    def energy_range(self) -> u.Quantity:
        """Lowest and highest reconstructed energy, TeV."""
        return self.energy[[0, -1]].to("TeV")

    @property
    @abstractmethod
    def zenith(self) -> u.Quantity | None:
        """Zenith angle or angles for which the response is valid, deg; None if unknown."""

    @property
    @abstractmethod
    def loaded_response(self) -> Any:
        """The response that `response` gives, read once."""

    @abstractmethod
    def check(self, source: Placed) -> None:
        """Warns about what the instrument sees of a source only in part.

        Raises
        ------
        DatasetError
            If the instrument cannot measure the source.
        """

    @abstractmethod
    def maps(self, source: Placed, report: Report = silent) -> Iterator[MapDataset]:
        """Yields gammapy's datasets of a source, which `check` has accepted.

        Parameters
        ----------
        source
            From `nugamma.sources`, or anything with name, position, morphology and radius.
        report
            Called with a sentence on the progress.

        Raises
        ------
        DatasetError
            If the source is never visible.
        ResponseError
            If the response cannot be read or does not cover the energies.
        """

    def fold(self, source: Placed, report: Report = silent) -> list[FoldedDataset]:
        """Returns the folded datasets of a source; keeps one set of maps in memory at a time."""
        morphology = spatial_model(source)
        return [
            group(pixel_response(dataset, morphology, self.messenger))
            for dataset in self.maps(source, report)
        ]

    def inputs(self, source: Placed) -> dict[str, Any]:
        """Returns everything that the datasets of a source depend on, ready for JSON.

        Settings that have their default are left out, so that a new setting does not make older
        datasets look different.
        """
        position = source.position.icrs
        extended = source.morphology != "point"
        inputs: dict[str, Any] = {
            "name": source.name,
            "instrument": self.name,
            "position": [repr(float(position.ra.deg)), repr(float(position.dec.deg))],
            "morphology": source.morphology,
            "radius": repr(float(source.radius.to_value("deg"))) if extended else None,
            "response": self.loaded_response.checksum,
            "revision": REVISION,
            "versions": {"nugamma": __version__}
            | {name: version(name) for name in ("astropy", "gammapy", "regions")},
            "livetime": str(self.livetime),
        }
        changed = {
            field.name: repr(getattr(self, field.name))
            for field in fields(self)
            if field.name in self._settings and not _same(getattr(self, field.name), field.default)
        }
        return inputs | self._own_inputs(source) | ({"settings": changed} if changed else {})

    #: Names of fields whose changes from the default belong to the inputs.
    _settings = frozenset({"energy", "energy_true"})

    @abstractmethod
    def _own_inputs(self, source: Placed) -> dict[str, Any]:
        """Returns the inputs of this kind of instrument."""

    def _axes(self) -> tuple[MapAxis, MapAxis]:
        """Returns gammapy's axes of the reconstructed and true energy."""
        return (
            MapAxis.from_energy_edges(self.energy, name="energy"),
            MapAxis.from_energy_edges(self.energy_true, name="energy_true"),
        )


def _same(one: Any, other: Any) -> bool:
    """Returns whether two settings are equal, also if they are arrays."""
    return np.shape(one) == np.shape(other) and bool(np.all(one == other))
