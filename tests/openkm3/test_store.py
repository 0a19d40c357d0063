"""The store of 2021: what the published notebooks call gives what they show."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")

import numpy as np
import pandas as pd
from astropy import units as u

from openkm3.catalogue import Catalogue
from openkm3.dataclasses import Function, HDFTable, KM3Object, LookUpTable, SCSServiceVO
from openkm3.errors import OpenKM3Error, ServerError, UnknownIdentifier
from openkm3.library import Library
from openkm3.store import KM3Store
from tests.commands import run
from tests.openkm3.odc import OpenDataCenter


@pytest.fixture
def store(server: OpenDataCenter, caplog: pytest.LogCaptureFixture) -> KM3Store:
    caplog.set_level(logging.INFO)
    KM3Store()
    caplog.clear()
    return KM3Store()


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [
        f"{record.levelname}:{record.name}:{record.getMessage()}"
        for record in caplog.records
        if not record.name.startswith("httpx")
    ]
    caplog.clear()
    return found


def test_the_catalogue_comes_from_the_server_once(
    server: OpenDataCenter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = KM3Store()
    assert messages(caplog) == [f"INFO:root:Loaded catalog from {server.url}."]
    KM3Store()
    assert messages(caplog) == ["INFO:root:Loaded catalog from cache."]
    assert server.requests == [("/catalog.json", 200)]
    store.update_catalog()
    assert messages(caplog) == ["INFO:root:Updated catalog!"]
    assert server.requests[1:] == [("/catalog.json", 304)]


def test_lists_are_markdown_as_published(
    store: KM3Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.list()
    assert capsys.readouterr().out == (
        "## Collections from the Open Data Center\n"
        "| Identifier | Title | Description | \n"
        "| ---------- | ----- | ----------- | \n"
        "| ana20_01 | ANTARES 2007-2017 neutrino point source search | Cosmic neutrino event "
        "candidate selection from search for neutrino point sources | \n"
        "| evts20_01 | One week of ORCA 4-line data | Events from one week of data taking with "
        "ORCA | \n"
        "| acoustic20_01 | Acoustic data | Acoustic data samples from ORCA hydrophone | \n"
        "\n"
    )
    store.list("ana20_01")
    out = capsys.readouterr().out
    assert out.startswith("## ANTARES 2007-2017 neutrino point source search\n| Identifier |")
    rows = [line.split(" | ")[0] for line in out.splitlines()[3:] if line]
    assert rows == [f"| ana20_01_{part}" for part in ("vo", "pub", "aeff0", "bkg", "acc")]
    store.list("acoustic20_01_psd")
    assert "| acoustic20_01_psd_DOM_808974724_CH1_1601366233 | Element of" in (
        capsys.readouterr().out
    )


def test_lists_are_rendered_in_a_notebook(store: KM3Store) -> None:
    pytest.importorskip("IPython", reason="needs ipython: run it in the science environment")
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        with capture_output() as captured:
            store.list("ana20_01")
    finally:
        InteractiveShell.clear_instance()
        del shell
    (shown,) = captured.outputs
    assert shown.data["text/markdown"].startswith("## ANTARES 2007-2017 neutrino point source")


def test_a_paper_is_not_loaded(store: KM3Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    assert store.get("ana20_01_pub") is None
    assert messages(caplog) == [
        "INFO:root:Cannot load paper. Please visit https://doi.org/10.3847/2041-8213/aad8c0 .",
        "INFO:root:No data loaded for ana20_01_pub.",
    ]


def test_the_background_is_a_function(store: KM3Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    store.get("ana20_01_bkg")
    loaded = "INFO:root:Loaded entry ana20_01_bkg as <class 'openkm3.dataclasses.Function'>."
    assert messages(caplog) == [loaded]
    background = store.get("ana20_01_bkg")
    assert messages(caplog) == ["INFO:root:Loading data from cache.", loaded]
    assert isinstance(background, Function)
    assert background.functiontype == "polynomial"
    assert repr(background.evaluate(20)) == "7893.0656496"
    assert background.evaluate(np.deg2rad(20) * u.rad) == pytest.approx(7893.0656496)
    np.testing.assert_array_equal(background.evaluate([20] * u.deg), [7893.0656496])
    masked = np.ma.array([20, 30], mask=[False, True])
    np.testing.assert_array_equal(background.evaluate(masked), [7893.0656496, np.nan])
    with pytest.raises(OpenKM3Error, match="a value in TeV was given, but deg"):
        background.evaluate(20 * u.TeV)
    words = "6720.96 70.914 -0.613972 -0.000920235 5.27896e-05 -4.42398e-07 -3.97395e-09"
    assert " ".join(map(str, background.data)) == words
    assert background.evaluate(100) is None
    assert messages(caplog) == ["WARNING:root:x value 100 out of range. Range is [-90, 90]"]
    np.testing.assert_array_equal(background.evaluate([20, 91]), [7893.0656496, np.nan])


def test_the_acceptance_is_a_lookup_table(
    store: KM3Store, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    acceptance = store.get("ana20_01_acc")
    assert isinstance(acceptance, LookUpTable)
    caplog.clear()
    assert acceptance.lookup(xvalue=100, yvalue=10) is None
    assert messages(caplog) == ["WARNING:root:x value 100 out of range. Range is [-90, 90]"]
    assert acceptance.lookup(0, 10) is None
    assert messages(caplog) == ["WARNING:root:y value 10 out of range. Range is [1.5, 3.0]"]
    assert acceptance.lookup(float("nan"), 2) is None
    # First row and both ends of it in the published table; sin(80 deg) is in its last bin.
    assert acceptance.lookup(-90, 1.5) == 1141.34
    assert acceptance.lookup(-np.pi / 2 * u.rad, 1.5) == 1141.34
    assert acceptance.lookup(90, 1.5) == 0.220271
    assert acceptance.lookup(-70, 1.52) == 1141.34
    assert acceptance.lookup(xvalue=80, yvalue=2.0) == acceptance.data[19][5]
    acceptance.show_paraminfo()
    assert capsys.readouterr().out.splitlines()[:4] == [
        "| Parameter | Name | Description | Unit | Symbol | Range | ",
        "| --------- | ---- | ----------- | ---- | ------ | ----- | ",
        "| xaxis | Declination | Source declination | deg | %delta | [-90, 90] | ",
        "| yaxis | Spectral index | Exponential of the energy power spectrum E^{-x} |  | %lambda "
        "| [1.5, 3.0] | ",
    ]


def test_the_acceptance_is_read_by_pandas(store: KM3Store) -> None:
    acceptance = store.get("ana20_01_acc")
    assert isinstance(acceptance, LookUpTable)
    table = pd.DataFrame.from_dict(acceptance.data)
    assert table.shape == (16, 20)
    # As the ANTARES backend writes it to a file.
    first = table.to_csv(sep=" ", index=False, header=False).splitlines()[0]
    assert first.startswith("1141.34 1339.09 1714.11 1766.84 1338.41")
    frame = acceptance.get_dataframe()
    assert frame.shape == (16, 20)
    assert frame.loc[1.5, -0.95] == 1141.34
    assert (frame.index.name, frame.columns.name) == ("Spectral index", "sin(Declination)")


def test_the_events_are_a_service(
    store: KM3Store, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyvo", reason="needs pyvo: run it in the science environment")
    caplog.clear()
    service = store.get("ana20_01_vo")
    assert messages(caplog) == [
        "INFO:root:Loaded entry ana20_01_vo as <class 'openkm3.dataclasses.SCSServiceVO'>."
    ]
    assert isinstance(service, SCSServiceVO)
    brightest = service.get_tap().search("SELECT * FROM ant20_01.main WHERE nhit>150").to_table()
    assert brightest.colnames == ["mjd", "beta", "nhit", "ra", "decl", "id"]
    assert len(brightest) == 10
    top = brightest[brightest["nhit"] == 263][0]
    assert tuple(top) == (54789.2282, 0.1, 263, 315.0, -16.7, "ANT1157")
    cone = service.get_scs().search((20, 30), 2).to_table()
    assert list(cone["ID"]) == ["ANT5087", "ANT3659"]
    np.testing.assert_allclose(cone["_r"], [0.327663931770686, 1.56948430621669], rtol=1e-12)
    frame = service.get_dataframe()
    assert list(frame.columns) == ["mjd", "beta", "nhit", "ra", "decl", "id"]
    assert len(frame) == 8754
    assert frame.beta.min() == 0.1
    service.show_paraminfo()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Table: ant20_01.main"
    assert lines[1] == "Neutrino candidates from full-sky search from 2007-2017"
    columns = ["name", "description", "unit", "ucd", "utype", "arraysize", "datatype"]
    assert lines[3].split() == columns
    assert len(lines) == 12


def test_event_files_are_tables(
    store: KM3Store, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.clear()
    events = store.get("evts20_01_file1")
    assert messages(caplog) == [
        "INFO:root:Loaded entry evts20_01_file1 as <class 'openkm3.dataclasses.HDFTable'>."
    ]
    assert isinstance(events, HDFTable)
    assert events.get_paraminfo()["energy"]["path"] == "(event).tracks.E"
    assert events.conditions == {"selection": {"triggermask": {"constraint": "x == 22"}}}
    frame = events.get_dataframe()
    assert frame.internalID[0] == "km3net.44.6151.000001"
    assert frame.energy.tolist()[1] == 128.639694
    assert sum(len(chunk) for chunk in events.chunks("events", rows=2)) == 5
    events.show_metadata()
    assert "| header.measurement_start | 2019-10-03T06:00:00.544000000 | " in (
        capsys.readouterr().out
    )


def test_everything_works_offline_from_the_cache(
    server: OpenDataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = KM3Store()
    wanted = ("ana20_01_acc", "ana20_01_bkg", "ana20_01_aeff0", "evts20_01_file1")
    for identifier in wanted:
        store.get(identifier)
    before = len(server.requests)
    monkeypatch.setattr(OpenDataCenter, "content", lambda *_: None)  # the server knows nothing more
    offline = KM3Store()
    for identifier in wanted:
        result = offline.get(identifier)
        assert isinstance(result, KM3Object)
        assert result.data is not None
    assert len(server.requests) == before
    with pytest.raises(ServerError, match="404"):
        offline.update_catalog()
    assert len(offline.catalogue.entries) == 11


def test_an_old_catalogue_is_renewed_and_kept_where_that_fails(
    server: OpenDataCenter, caplog: pytest.LogCaptureFixture
) -> None:
    Library()
    server.catalogue = Catalogue(entries=server.catalogue.entries[:0])
    assert len(Library().catalogue.entries) == 11  # not old yet
    assert len(Library(max_age=0).catalogue.entries) == 0
    server.breaks["/catalog.json"] = 10
    server.catalogue = Catalogue(title="another")
    library = Library(max_age=0)
    assert library.from_cache
    assert library.catalogue.title == "Open Data Center"
    assert "Working offline with the catalog from the cache" in caplog.text


def test_a_broken_catalogue_does_not_replace_a_good_one(
    server: OpenDataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library()
    monkeypatch.setattr(OpenDataCenter, "content", lambda *_: b"<html>maintenance</html>")
    with pytest.raises(ServerError, match=r"is not JSON\. Check that http"):
        library.update()
    assert len(Library().catalogue.entries) == 11


def test_an_unavailable_resource_is_an_error(
    store: KM3Store, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnknownIdentifier, match="did you mean ana20_01_acc"):
        store.get("ana20_01_ac")
    with pytest.raises(UnknownIdentifier):
        store.list("nothing")
    caplog.clear()
    assert store.get("ana20_01") is None
    assert messages(caplog)[-1] == "INFO:root:No data loaded for ana20_01."
    with pytest.raises(OpenKM3Error, match="neither a file nor a service"):
        store.get("acoustic20_01_psd_DOM_808974724_CH1_1601366233")


def test_a_server_without_catalogue_is_named(center: OpenDataCenter) -> None:
    with pytest.raises(
        ServerError, match=r"404 Not Found \(select another server with OPENKM3_SERVER"
    ):
        KM3Store(f"{center.url}/elsewhere")
    with pytest.raises(ServerError, match="cannot be reached"):
        KM3Store("http://127.0.0.1:9")


def test_published_outputs_appear_where_nobody_set_up_logging(server: OpenDataCenter) -> None:
    import sys

    code = (
        "from openkm3.store import KM3Store\n"
        "store = KM3Store()\n"
        "store = KM3Store()\n"
        "store.get('ana20_01_acc').lookup(xvalue=100, yvalue=10)\n"
    )
    done = run(sys.executable, "-c", code)
    assert done.stderr.splitlines()[-3:] == [
        "INFO:root:Loaded catalog from cache.",
        "INFO:root:Loaded entry ana20_01_acc as <class 'openkm3.dataclasses.LookUpTable'>.",
        "WARNING:root:x value 100 out of range. Range is [-90, 90]",
    ]
