"""Real ORCA events: the file of km3pipe's analysis test in the package km3net-testdata."""

from __future__ import annotations

from pathlib import Path

from opendata.importers.files import import_file
from opendata.importers.publication import publish
from openkm3.errors import MissingPackage
from openkm3.metadata import Annotation

_HEADER = {
    "author": "KM3NeT Collaboration",
    "contact": "opendata@km3net.de",
    "license": "MIT",
    "reference": "https://git.km3net.de/common/km3net-testdata",
    "version": "1.0",
}
_FILES = [
    (
        "hdf5/basic_analysis_sample.h5",
        "basic_analysis_sample",
        "Reconstructed events (HDF5)",
        "Events with the true and the reconstructed muon, as written by km3pipe",
        "km3.data.l3.events.hdf5",
        "ORCA",
    ),
    (
        "offline/km3net_offline.root",
        "offline",
        "Reconstructed events (offline ROOT)",
        "The first events of a run with hits and tracks, in KM3NeT's offline format",
        "km3.data.l2",
        "ORCA",
    ),
]


def import_events() -> int:
    """Publish collection test20_01; return the number of records.

    Raises
    ------
    MissingPackage
        If km3net-testdata is not installed.
    """
    try:
        from km3net_testdata import data_path
    except ImportError:
        raise MissingPackage("Importing KM3NeT's test data", "root km3net-testdata") from None
    paths = [Path(data_path(name)) for name, *_ in _FILES]
    about = Annotation.parse({"header": _HEADER | {"instrument": "ORCA"}})
    publish(
        {"identifier": "test20_01", "kind": "collection"},
        {
            "title": "KM3NeT test data",
            "description": "Small real files in KM3NeT's formats, from the package km3net-testdata",
            "ktype": "km3.collection",
            "metadata": about.plain(),
        },
    )
    for position, (path, row) in enumerate(zip(paths, _FILES, strict=True)):
        _, name, title, text, ktype, instrument = row
        header = _HEADER | {"name": title, "description": text, "instrument": instrument}
        import_file(
            path,
            identifier=f"test20_01_{name}",
            title=title,
            parent="test20_01",
            position=position,
            annotation=Annotation.parse({"ktype": ktype, "header": header}),
            accept_findings="test data do not describe their columns",
        )
    return 1 + len(_FILES)
