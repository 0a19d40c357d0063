"""The portal on a real PostgreSQL, from the empty database to a published record."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .postgresql import HOW_TO, cluster, programs
from .records import ECSV, draft
from .running import Server, environment, run, serve

pytestmark = pytest.mark.skipif(programs() is None, reason=HOW_TO)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="needs psycopg: pip install opendata[postgresql]")
    with cluster() as url:
        variables = environment(tmp_path_factory.mktemp("postgresql"), DATABASE_URL=url)
        run(variables, "migrate")
        run(variables, "import", "testdata")
        with serve(variables) as running:
            yield running


def test_a_record_is_found_by_words_facets_and_time(server: Server) -> None:
    found = server.get("/api/v1/search/?q=ORCA+events&kind=resource").json()
    assert {row["identifier"] for row in found["results"]} == {
        "test20_01_basic_analysis_sample",
        "test20_01_offline",
    }
    assert {facet["value"] for facet in found["facets"]["instrument"]} == {"ORCA"}
    assert server.get("/search?q=orca").status_code == 200
    assert server.get("/records/test20_01_offline/").status_code == 200
    assert server.get("/oai?verb=ListRecords&metadataPrefix=oai_dc").status_code == 200
    assert len(server.get("/catalog.json").json()["entries"]) == 3


def test_texts_that_postgresql_does_not_take_are_refused(server: Server) -> None:
    headers = server.token("nul", "curator")
    new = {"record": {"identifier": "nul24_01"}, "draft": draft(description="a\0b")}
    answer = httpx.post(f"{server.url}/api/v1/drafts/", json=new, headers=headers, timeout=60)
    assert answer.status_code == 400, answer.text
    nested = {"header": {"name": "a\0b"}}
    new = {"record": {"identifier": "nul24_01"}, "draft": draft(metadata=nested)}
    answer = httpx.post(f"{server.url}/api/v1/drafts/", json=new, headers=headers, timeout=60)
    assert answer.status_code == 400, answer.text
    assert server.get("/api/v1/records/?q=a%00b").status_code == 400


def test_twenty_curators_at_once_make_one_draft_each(server: Server) -> None:
    headers = server.token("busy", "curator")

    def make(number: int) -> int:
        new = {"record": {"identifier": f"busy_{number % 10}"}, "draft": draft()}
        path = f"{server.url}/api/v1/drafts/"
        return httpx.post(path, json=new, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(make, range(20)))
    assert codes == [201] * 10 + [409] * 10


def test_an_uploaded_file_is_downloaded_unchanged(server: Server) -> None:
    curator, reviewer = server.token("cora", "curator"), server.token("rene", "reviewer")
    base = f"{server.url}/api/v1"
    new = {"record": {"identifier": "pg24_01"}, "draft": draft(service={"table": "pg24_01.main"})}
    assert httpx.post(f"{base}/drafts/", json=new, headers=curator, timeout=60).status_code == 201
    path = f"{base}/records/pg24_01/draft"
    upload = f"{path}/files/counts.ecsv"
    assert httpx.put(upload, content=ECSV, headers=curator, timeout=60).status_code == 201
    assert httpx.post(f"{path}/submit/", headers=curator, timeout=60).status_code == 200
    assert httpx.post(f"{path}/approve/", headers=reviewer, timeout=60).status_code == 200
    assert server.get("/storage/pg24_01/1.0/counts.ecsv").content == ECSV
    query = "/vo/tap/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+COUNT(*)+AS+n+FROM+pg24_01.main"
    assert server.get(query).text.split() == ["n", "3"]
    assert run(server.variables, "check").endswith("Everything is in order.\n")
