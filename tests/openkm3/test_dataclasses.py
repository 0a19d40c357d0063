"""Each kind of content becomes its class, and damaged content a clear error."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np

from openkm3.catalogue import Catalogue, Entry
from openkm3.dataclasses import (
    AcousticSample,
    AnnotatedTable,
    Function,
    HDFTable,
    KM3Object,
    LookUpTable,
    Plot,
    SCSServiceVO,
    class_for,
)
from openkm3.errors import FormatError
from openkm3.formats import write
from openkm3.store import KM3Store
from tests.openkm3.odc import OpenDataCenter


def publish(center: OpenDataCenter, name: str, ktype: str, content: bytes) -> KM3Object:
    """Put one file on the server and get it through the store."""
    (center.folder / "storage" / name).write_bytes(content)
    entry = Entry(
        identifier="new", title="new", kind="resource", ktype=ktype, url=f"storage/{name}"
    )
    center.catalogue = Catalogue(entries=[entry])
    store = KM3Store()
    store.update_catalog()
    result = store.get("new")
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("ktype", "url", "cls"),
    [
        ("km3.data.l4.lookup", "x.json", LookUpTable),
        ("km3.data.l4.function.polynomial", "x.json", Function),
        ("km3.resource.service.tap", None, SCSServiceVO),
        ("km3.data.l3.events.hdf5", "x", HDFTable),
        ("km3.data.l3.events", "x.h5", HDFTable),
        ("km3.data.l3.events.fits", "x.fits", AnnotatedTable),
        ("km3.data.l4.table.binned.aeff1d", "x.ecsv", AnnotatedTable),
        ("km3.env.acoustic.wav", "x.wav", AcousticSample),
        ("km3.env.acoustic.mp3", "x.mp3", KM3Object),
        ("km3.resource.plot", "x.png", Plot),
        ("unheard.of", "x", KM3Object),
    ],
)
def test_the_ktype_chooses_the_class(ktype: str, url: str | None, cls: type[KM3Object]) -> None:
    entry = Entry(identifier="x", title="x", kind="resource", ktype=ktype, url=url)
    assert class_for(entry) is cls


def test_sound_becomes_samples(server: OpenDataCenter, tmp_path: Path) -> None:
    samples = np.array([0, 1000, -1000, 32767], dtype="<i2")
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(195_312)
        file.writeframes(samples.tobytes())
    content = (tmp_path / "x.wav").read_bytes()
    sound = publish(server, "x.wav", "km3.env.acoustic.wav", content)
    assert isinstance(sound, AcousticSample)
    assert sound.rate == 195_312
    np.testing.assert_array_equal(sound.data, samples)


def test_a_figure_shows_itself(server: OpenDataCenter) -> None:
    figure = publish(server, "x.svg", "km3.resource.plot", b"<svg xmlns='...'></svg>")
    assert isinstance(figure, Plot)
    assert figure._repr_svg_() == "<svg xmlns='...'></svg>"
    assert figure._repr_png_() is None


def test_a_table_of_the_vo_is_there_offline_too(server: OpenDataCenter) -> None:
    file = server.folder / "storage" / "antares.fits"
    write(server.events, file, without=["ENERGY"])
    service = publish(server, file.name, "km3.resource.service.scs", file.read_bytes())
    assert isinstance(service, SCSServiceVO)
    assert len(service.get_dataframe()) == 8754
    server.catalogue = Catalogue()
    (cached,) = Path(os.environ["XDG_CACHE_HOME"]).rglob("antares.fits")
    file.unlink()
    offline = KM3Store().get("new")
    assert isinstance(offline, SCSServiceVO)
    assert offline.get_dataframe().id[0] == "ANT0001"
    assert offline.path == cached


@pytest.mark.parametrize(
    ("ktype", "attribute"),
    [
        ("km3.data.l4.lookup", "data"),
        ("km3.data.l4.function.polynomial", "data"),
        ("km3.data.l3.events.hdf5", "data"),
        ("km3.env.acoustic.wav", "data"),
    ],
)
def test_damaged_content_is_an_error_that_names_the_file(
    server: OpenDataCenter, ktype: str, attribute: str
) -> None:
    broken = publish(server, "broken.bin", ktype, b"something else")
    with pytest.raises(FormatError, match=r"broken\.bin"):
        getattr(broken, attribute)


def test_metadata_come_from_the_file_where_the_catalogue_has_none(server: OpenDataCenter) -> None:
    content = (server.folder / "storage" / "one_week_orca.h5").read_bytes()
    events = publish(server, "week.h5", "km3.data.l3.events.hdf5", content)
    assert isinstance(events, HDFTable)
    assert events.annotation.header.instrument == "ORCA"
    assert events.tables == ["events", "group_info", "header"]
    content = (server.folder / "storage" / "acc.json").read_bytes()
    acceptance = publish(server, "acc2.json", "km3.data.l4.lookup", content)
    assert isinstance(acceptance, LookUpTable)
    assert acceptance.lookup(100, 2) is None  # the range is known
