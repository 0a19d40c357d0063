"""openkm3 as users call it against a real server with the real data: the published numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from openkm3.catalogue import Catalogue
from openkm3.openio import KM3Store as KM3StoreA
from openkm3.store import KM3Store
from tests import commands

from .running import Server


@pytest.fixture
def store(antares_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KM3Store:
    monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path))
    return KM3Store(antares_server.url)


def test_the_event_list_has_8754_rows_and_10_above_150_hits(store: KM3Store) -> None:
    events = store.get("ana20_01_vo").get_dataframe()
    assert len(events) == 8754
    assert list(events.columns) == ["mjd", "beta", "nhit", "ra", "decl", "id"]
    assert (events.nhit > 150).sum() == 10
    brightest = events.loc[events.nhit.idxmax()]
    assert brightest.to_dict() == {
        "mjd": 54789.2282,
        "beta": 0.1,
        "nhit": 263,
        "ra": 315.0,
        "decl": -16.7,
        "id": "ANT1157",
    }


def test_the_background_at_20_degrees_is_as_published(store: KM3Store) -> None:
    assert store.get("ana20_01_bkg").evaluate(20) == pytest.approx(7893.0656496, abs=1e-7)


def test_the_acceptance_is_a_table_of_16_by_20_with_limits(store: KM3Store) -> None:
    acceptance = store.get("ana20_01_acc")
    assert acceptance.get_dataframe().shape == (16, 20)
    assert acceptance.lookup(100, 2.0) is None


def test_the_paper_is_named_by_its_doi(store: KM3Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert store.get("ana20_01_pub") is None
    assert "https://doi.org/10.3847/2041-8213/aad8c0" in caplog.text


def test_the_first_generation_reads_the_effective_area_by_its_old_name(
    antares_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path))
    data = KM3StoreA(antares_server.url).get("annotated_aeff0").data
    assert data["AEFF/m2"][0] == 5.153940e-12


def test_the_catalogue_keeps_the_contract_and_its_etag(antares_server: Server) -> None:
    answer = antares_server.get("/catalog.json")
    catalogue = Catalogue.parse(answer.content)
    assert [entry.identifier for entry in catalogue.children("ana20_01")] == [
        f"ana20_01_{part}" for part in ("vo", "pub", "aeff0", "bkg", "acc")
    ]
    again = antares_server.get("/catalog.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_check_finds_a_file_that_has_changed(antares: Path, tmp_path: Path) -> None:
    import sys

    from .prepared import MIGRATE, prepared
    from .running import run

    variables = prepared(tmp_path, MIGRATE, ("import", "antares", str(antares)))
    assert "in order" in run(variables, "check")
    file = next(path for path in (tmp_path / "state" / "files").glob("*/*") if path.is_file())
    file.chmod(0o600)
    file.write_bytes(b"broken")
    done = commands.run(sys.executable, "-m", "opendata", "check", status=1, env=variables)
    assert "has changed" in done.stderr
