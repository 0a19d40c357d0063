"""KM3NeT's offline ROOT files through km3io: one row per event, with its best muon track."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError, MissingPackage
from ..metadata import Annotation, Header
from . import root
from .dataset import DataSet

if TYPE_CHECKING:
    from astropy.table import Table

_EVENT = ("id", "run_id", "det_id", "frame_index", "trigger_counter", "trigger_mask")
_TRACK = ("pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "E", "t", "lik")
_UNITS = {"pos_x": "m", "pos_y": "m", "pos_z": "m", "E": "GeV", "t": "ns", "mjd": "d"}


def read(path: Path) -> DataSet:
    """Read events with their best reconstructed muon track.

    Returns
    -------
    DataSet
        Table ``events``: identifiers, ``mjd`` (UTC), and the fields of the track, NaN if an event
        has no track. ``dir_*`` is the direction of flight. The file's own header is in the
        metadata under ``conditions``.

    Raises
    ------
    FormatError
        If the file is damaged or has no events.
    MissingPackage
        If km3io is not installed.
    """
    with root.opened(path, "offline file") as file:
        root.check_size(path, file["E"])
        with _reader(path) as reader:
            return DataSet(
                {"events": _events(path, reader)},
                Annotation(
                    ktype="km3.data.l2",
                    header=Header(name=path.name),
                    conditions=_header(reader),
                ),
            )


def _reader(path: Path) -> Any:
    try:
        import km3io
    except ImportError:
        raise MissingPackage("Reading KM3NeT's offline files", "root") from None
    return km3io.OfflineReader(str(path.resolve()))


def _events(path: Path, reader: Any) -> Table:
    from astropy.table import Column, Table
    from astropy.time import Time

    from ..metadata.units import parse_unit

    if not len(reader):
        raise FormatError(path, "has no events")
    columns: dict[str, Any] = {key: np.asarray(getattr(reader, key)) for key in _EVENT}
    seconds, nanoseconds = np.asarray(reader.t_sec, dtype=float), np.asarray(reader.t_ns)
    columns["mjd"] = Time(seconds, nanoseconds * 1e-9, format="unix", scale="utc").mjd
    columns |= _tracks(reader)
    table = Table()
    for key, values in columns.items():
        unit = parse_unit(_UNITS[key]) if key in _UNITS else None
        table[key] = Column(values, unit=unit)
    return table


def _tracks(reader: Any) -> dict[str, Any]:
    import awkward as ak
    from km3io.tools import best_jmuon

    if reader.tracks is None or not reader.n_tracks.to_numpy().any():
        return {}
    best = best_jmuon(reader.tracks)
    result = {}
    for key in _TRACK:
        values = ak.fill_none(getattr(best, key), np.nan)
        result[key] = ak.to_numpy(values).astype(float)
    return result


def _header(reader: Any) -> dict[str, Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # km3io warns about files without a simulation header
        if reader.header is None:
            return None
    return {str(key): str(value) for key, value in reader.header.items()}
