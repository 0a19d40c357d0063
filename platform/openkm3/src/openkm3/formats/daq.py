"""KM3NeT's online (DAQ) ROOT files, read with uproot alone.

km3io 1.2 reads only offline files. The classes of the data acquisition are flat C structures after
a header of ten bytes, so their layout is enough to read them (Jpp, JDAQ/JDAQEvent.hh and
JDAQSummaryFrame.hh).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..metadata import Annotation
from . import root
from .dataset import DataSet

if TYPE_CHECKING:
    from astropy.table import Table

PMTS = 31
_HIT: list[tuple[str, str]] = [
    ("dom_id", ">i4"),
    ("channel_id", "u1"),
    ("time", "<u4"),
    ("tot", "u1"),
]
_TRIGGERED = [*_HIT, ("cnt", "u4"), ("vers", "u2"), ("trigger_mask", ">u8")]
_FRAME = [
    ("dom_id", ">i4"),
    ("dq_status", ">u4"),
    ("hrv", ">u4"),
    ("fifo", ">u4"),
    ("status3", ">u4"),
    ("status4", ">u4"),
    *[(f"ch{channel}", "u1") for channel in range(PMTS)],
]
_SLICES = "KM3NET_SUMMARYSLICE"
_FRAMES = f"{_SLICES}/vector<KM3NETDAQ::JDAQSummaryFrame>"
_EVENTS = "KM3NET_EVENT"


def rate(code: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return photomultiplier rates in Hz from the bytes that encode them.

    The scale is logarithmic from 2 kHz (code 0 means no rate) to 2 MHz (code 255).
    """
    return np.where(code == 0, 0.0, 2e3 * np.exp(code * (np.log(1000.0) / 255)))


def read(path: Path) -> DataSet:
    """Read summary slices and events.

    Returns
    -------
    DataSet
        The tables that the file has: ``summaryslices`` (one row per DOM and slice, with ``rate`` in
        Hz for 31 photomultipliers), ``snapshot_hits`` and ``triggered_hits`` (one row per hit;
        ``event`` is the index of the event).

    Raises
    ------
    FormatError
        If the file is damaged or holds neither.
    MissingPackage
        If uproot is not installed.
    """
    tables: dict[str, Table] = {}
    with root.opened(path, "DAQ file") as file:
        names = root.names(file)
        if _SLICES in names:
            tables["summaryslices"] = _summaryslices(path, file)
        if _EVENTS in names:
            for name, branch, layout in (
                ("snapshot_hits", "snapshotHits", _HIT),
                ("triggered_hits", "triggeredHits", _TRIGGERED),
            ):
                tables[name] = _hits(path, file, branch, layout)
        slices = sorted(
            name for name in names & root.DAQ_TREES - {_SLICES, _EVENTS} if file[name].num_entries
        )
    if slices and not any(len(table) for table in tables.values()):
        raise FormatError(
            path,
            f"holds time slices only ({', '.join(slices)}), which openkm3 does not read: "
            "KM3NeT's KM3io.jl or Jpp do",
        )
    if not tables:
        raise FormatError(path, f"holds neither {_SLICES} nor {_EVENTS}, so it is not a DAQ file")
    word = "km3.daq.summaryslices" if "summaryslices" in tables else "km3.daq.events"
    return DataSet(tables, Annotation(ktype=word))


def _jagged(path: Path, branch: Any, layout: list[tuple[str, str]]) -> tuple[Any, Any]:
    """Return the flat structures of a branch and, for each, the number of its entry."""
    import uproot

    root.check_size(path, branch)
    kind = uproot.interpretation.jagged.AsJagged(
        uproot.interpretation.numerical.AsDtype(layout), header_bytes=10
    )
    jagged = branch.array(kind, library="np")
    flat = np.concatenate(list(jagged)) if len(jagged) else np.empty(0, dtype=layout)
    entries = np.repeat(np.arange(len(jagged)), [len(entry) for entry in jagged])
    return flat, entries


def _summaryslices(path: Path, file: Any) -> Table:
    from astropy import units as u
    from astropy.table import Column, Table

    flat, entries = _jagged(path, file[_SLICES][_FRAMES], _FRAME)
    codes = np.stack([flat[f"ch{channel}"] for channel in range(PMTS)], axis=1)
    table = Table({"slice": entries})
    for name in ("dom_id", "dq_status", "hrv", "fifo", "status3", "status4"):
        table[name] = flat[name].astype(flat[name].dtype.newbyteorder("="))
    table["rate"] = Column(rate(codes), unit=u.Hz)
    return table


def _hits(path: Path, file: Any, branch: str, layout: list[tuple[str, str]]) -> Table:
    from astropy import units as u
    from astropy.table import Column, Table

    flat, entries = _jagged(path, file[_EVENTS][branch], layout)
    table = Table({"event": entries})
    for name, _ in layout:
        if name in ("cnt", "vers"):  # bookkeeping of ROOT
            continue
        values = flat[name].astype(flat[name].dtype.newbyteorder("="))
        table[name] = Column(values, unit=u.ns if name in ("time", "tot") else None)
    return table
