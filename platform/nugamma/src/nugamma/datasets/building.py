"""All datasets of a source, from the cache where it has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

from astropy import units as u
from gammapy.datasets import MapDataset

from nugamma import __version__
from nugamma.datasets import arca, coverage, cta, grouping, storage, zenith
from nugamma.datasets.cache import DatasetCache
from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.folding import pixel_response
from nugamma.datasets.morphology import Placed, spatial_model
from nugamma.errors import DatasetError
from nugamma.responses import prod5
from nugamma.responses.arca import ArcaResponse
from nugamma.responses.cta import CtaResponse

T = TypeVar("T")
Instrument = Literal["cta", "arca"]
INSTRUMENTS: tuple[Instrument, ...] = ("cta", "arca")
#: Goes up when datasets come out differently from the same inputs.
REVISION = 1


def build(
    source: Placed,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    *,
    cta_response: CtaResponse | str | Path | None = None,
    arca_response: ArcaResponse | str | Path | None = None,
    time_step: u.Quantity = arca.TIME_STEP,
    cache: DatasetCache | str | Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[FoldedDataset]:
    """Make the folded datasets of a source.

    Parameters
    ----------
    source
        Of `nugamma.sources`, or anything with name, position, morphology and radius.
    instruments
        ``cta`` and ``arca``, or one of them.
    cta_response
        A response, the path of its FITS file, or a name such as ``north-40deg`` (see
        `nugamma.responses.prod5`); by default the table in this package (South, 20 deg).
    arca_response
        A response, or the folder of its FITS files; by default that of the package km3irf.
    time_step
        Between the instants at which the source's path over ARCA is looked at.
    cache
        Folder in which the datasets are kept, under a key of all inputs. By default none are.
    report
        Is told in a sentence what happens.

    Returns
    -------
    list of FoldedDataset
        ``cta``, then ``nu1`` (most upgoing), ``nu2``...

    Raises
    ------
    DatasetError
        If the source is never visible, or does not fit into the maps.
    ResponseError
        If a response cannot be read or does not cover the energies.
    CacheError
        If the cache cannot be read or written.
    """
    done: list[FoldedDataset] = []
    plans = _plans(
        source,
        instruments,
        cta_response=cta_response,
        arca_response=arca_response,
        time_step=time_step,
        report=report,
    )
    for one in plans:
        made = _cached(
            cache,
            "folded",
            one,
            make=one.fold,
            write=storage.write_folded,
            read=storage.read_folded,
        )
        report(f"{source.name}: {one.instrument} ready, {sum(d.n_groups for d in made)} groups")
        done += made
    return done


def map_datasets(
    source: Placed,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    *,
    cta_response: CtaResponse | str | Path | None = None,
    arca_response: ArcaResponse | str | Path | None = None,
    time_step: u.Quantity = arca.TIME_STEP,
    cache: DatasetCache | str | Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[MapDataset]:
    """Make the gammapy datasets of a source; parameters and errors as for `build`.

    For analyses with gammapy's own `Datasets` and `Fit`. Kept in a cache they need 350 MB a source.
    """
    done: list[MapDataset] = []
    plans = _plans(
        source,
        instruments,
        cta_response=cta_response,
        arca_response=arca_response,
        time_step=time_step,
        report=report,
    )
    for one in plans:
        done += _cached(
            cache, "maps", one, make=one.maps, write=storage.write_maps, read=storage.read_maps
        )
    return done


def cta_coverage(
    source: Placed, cta_response: CtaResponse | str | Path | None = None
) -> coverage.Coverage:
    """Which part of a source CTA sees, and how many of its events it counts."""
    return cta.seen(source, _cta_response(cta_response))


def inputs(
    source: Placed,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    *,
    cta_response: CtaResponse | str | Path | None = None,
    arca_response: ArcaResponse | str | Path | None = None,
    time_step: u.Quantity = arca.TIME_STEP,
) -> dict[str, dict[str, Any]]:
    """Everything that the datasets of `build` depend on, as JSON holds it, by instrument.

    Parameters and errors as for `build`. Of responses it has the checksums.
    """
    plans = _plans(
        source,
        instruments,
        cta_response=cta_response,
        arca_response=arca_response,
        time_step=time_step,
        report=lambda _: None,
    )
    return {plan.instrument: plan.inputs for plan in plans}


class _Plan:
    """How the datasets of one instrument are made, and from what."""

    def __init__(
        self, source: Placed, instrument: Instrument, response: Any, time_step: u.Quantity
    ) -> None:
        self.source, self.instrument = source, instrument
        self.response, self.time_step = response, time_step
        self.report: Callable[[str], None] = lambda _: None

    @property
    def inputs(self) -> dict[str, Any]:
        """Everything that the datasets depend on, as JSON holds it."""
        position = self.source.position.icrs
        extended = self.source.morphology != "point"
        inputs: dict[str, Any] = {
            "name": self.source.name,
            "instrument": self.instrument,
            "position": [repr(float(position.ra.deg)), repr(float(position.dec.deg))],
            "morphology": self.source.morphology,
            "radius": repr(float(self.source.radius.to_value("deg"))) if extended else None,
            "response": self.response.checksum,
            "revision": REVISION,
            "versions": {"nugamma": __version__}
            | {name: version(name) for name in ("astropy", "gammapy", "regions")},
        }
        if self.instrument == "arca":
            inputs["time_step"] = repr(float(self.time_step.to_value("s")))
            inputs["livetime"] = str(arca.LIVETIME)
            inputs["maps"] = [str(arca.WIDTH), str(arca.PIXEL)]
            inputs["nodes"] = [str(arca.NODE_STEP), str(arca.STEEP_STEP)]
        else:
            inputs["livetime"] = str(cta.LIVETIME)
            width = coverage.map_width(self.source, (cta.WIDTH, *cta.WIDER))
            inputs["maps"] = [str(width), str(cta.PIXEL), str(cta.OFFSET)]
        return inputs

    def maps(self) -> list[MapDataset]:
        """The gammapy datasets."""
        return list(self._maps())

    def _maps(self) -> Iterator[MapDataset]:
        if self.instrument == "cta":
            self.report(f"{self.source.name}: making CTA's maps")
            yield cta.cta_dataset(self.source, response=self.response)
            return
        self.report(f"{self.source.name}: following the source over ARCA's sky")
        path = zenith.source_path(self.source.position, self.time_step)
        for number, zenith_bin in enumerate(path, start=1):
            self.report(f"{self.source.name}: zenith bin {number} of {len(path)}")
            yield arca.zenith_dataset(number, self.source.position, zenith_bin, self.response)

    def fold(self) -> list[FoldedDataset]:
        """The folded datasets; only one map dataset is in memory at a time."""
        morphology = spatial_model(self.source)
        messenger: Literal["gamma", "neutrino"] = (
            "gamma" if self.instrument == "cta" else "neutrino"
        )
        return [
            grouping.group(pixel_response(dataset, morphology, messenger))
            for dataset in self._maps()
        ]


def _plans(
    source: Placed,
    instruments: Sequence[Instrument],
    *,
    cta_response: CtaResponse | str | Path | None,
    arca_response: ArcaResponse | str | Path | None,
    time_step: u.Quantity,
    report: Callable[[str], None],
) -> list[_Plan]:
    """What is to be made, with the responses read."""
    names = (instruments,) if isinstance(instruments, str) else tuple(instruments)
    unknown = [name for name in names if name not in INSTRUMENTS]
    if unknown or not names:
        raise DatasetError(f"instruments {names}: there are {' and '.join(INSTRUMENTS)}")
    plans = []
    for name in INSTRUMENTS:
        if name not in names:
            continue
        response: ArcaResponse | CtaResponse
        if name == "arca":
            response = _arca_response(arca_response)
        else:
            response = _cta_response(cta_response)
            # Before anything is made, and also where the cache has it all.
            spatial_model(source)
            cta.check_visible(source, response)
        plan = _Plan(source, name, response, time_step)
        plan.report = report
        plans.append(plan)
    return plans


def _cta_response(given: CtaResponse | str | Path | None) -> CtaResponse:
    return prod5.load(given)


def _arca_response(given: ArcaResponse | str | Path | None) -> ArcaResponse:
    return given if isinstance(given, ArcaResponse) else ArcaResponse.read(given)


def _cached(
    cache: DatasetCache | str | Path | None,
    kind: Literal["folded", "maps"],
    plan: _Plan,
    *,
    make: Callable[[], list[T]],
    write: Callable[[list[T], Path], None],
    read: Callable[[Path], list[T]],
) -> list[T]:
    if cache is None:
        return make()
    store = cache if isinstance(cache, DatasetCache) else DatasetCache(cache)
    inputs = plan.inputs
    if kind == "folded":
        inputs["groups"] = [grouping.GROUPS, grouping.DECADES, grouping.INDEX]
    return store.fetch(f"{kind}-{plan.instrument}", inputs, make=make, write=write, read=read)
