"""All datasets of a source, from the cache if it has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from gammapy.datasets import MapDataset

from nugamma.datasets import grouping, storage
from nugamma.datasets.cache import DatasetCache
from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.instrument import Instrument, Report, silent
from nugamma.datasets.morphology import Placed
from nugamma.datasets.published import PUBLISHED
from nugamma.errors import DatasetError

T = TypeVar("T")


def build(
    source: Placed,
    instruments: Sequence[Instrument] = PUBLISHED,
    *,
    cache: DatasetCache | str | Path | None = None,
    report: Report = silent,
) -> list[FoldedDataset]:
    """Returns the folded datasets of a source, those of one instrument after the other.

    Parameters
    ----------
    source
        From `nugamma.load_source`, or anything with name, position, morphology and radius.
    instruments
        By default `nugamma.CTA` and `nugamma.ARCA` as published.
    cache
        Folder that keeps the datasets under a key of everything they depend on; none by default.
    report
        Called with a sentence on the progress.

    Raises
    ------
    DatasetError
        If the source is never visible, or does not fit into the maps.
    ResponseError
        If a response cannot be read or does not cover the energies.
    CacheError
        If the cache cannot be read or written.
    """
    datasets: list[FoldedDataset] = []
    for instrument in _checked(instruments, source):
        made = _cached(
            cache,
            "folded",
            instrument,
            source,
            make=partial(instrument.fold, source, report),
            write=storage.write_folded,
            read=storage.read_folded,
        )
        report(f"{source.name}: {instrument.label} ready, {sum(d.n_groups for d in made)} groups")
        datasets += made
    return datasets


def map_datasets(
    source: Placed,
    instruments: Sequence[Instrument] = PUBLISHED,
    *,
    cache: DatasetCache | str | Path | None = None,
    report: Report = silent,
) -> list[MapDataset]:
    """Returns the gammapy datasets of a source; parameters and errors as for `build`.

    They are for analyses with gammapy's own `Datasets` and `Fit`. In a cache they take 350 MB per
    source.
    """
    datasets: list[MapDataset] = []
    for instrument in _checked(instruments, source):
        datasets += _cached(
            cache,
            "maps",
            instrument,
            source,
            make=partial(list, instrument.maps(source, report)),
            write=storage.write_maps,
            read=storage.read_maps,
        )
    return datasets


def inputs(
    source: Placed, instruments: Sequence[Instrument] = PUBLISHED
) -> dict[str, dict[str, Any]]:
    """Returns everything that the datasets of `build` depend on, by instrument, ready for JSON.

    Responses are represented by their checksums. Errors as for `build`.
    """
    return {instrument.name: instrument.inputs(source) for instrument in instruments}


def _checked(instruments: Sequence[Instrument], source: Placed) -> tuple[Instrument, ...]:
    """Returns the instruments, once all of them have accepted the source.

    Before anything is made, and also if the cache has it all.
    """
    chosen = tuple(instruments)
    if not chosen or not all(isinstance(one, Instrument) for one in chosen):
        raise DatasetError(
            f"instruments {instruments!r}: give Instrument objects, such as [nugamma.CTA, "
            "nugamma.ARCA]"
        )
    names = [one.name for one in chosen]
    if len(set(names)) < len(names):
        raise DatasetError(
            f"instruments {', '.join(names)}: each needs its own name; use replace(name=...)"
        )
    for one in chosen:
        one.check(source)
    return chosen


def _cached(
    cache: DatasetCache | str | Path | None,
    kind: Literal["folded", "maps"],
    instrument: Instrument,
    source: Placed,
    *,
    make: Callable[[], list[T]],
    write: Callable[[list[T], Path], None],
    read: Callable[[Path], list[T]],
) -> list[T]:
    if cache is None:
        return make()
    store = cache if isinstance(cache, DatasetCache) else DatasetCache(cache)
    key = instrument.inputs(source)
    if kind == "folded":
        key["groups"] = [grouping.GROUPS, grouping.DECADES, grouping.INDEX]
    return store.fetch(f"{kind}-{instrument.name}", key, make=make, write=write, read=read)
