"""A running server, seen by pyvo and by plain HTTP."""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import pytest
from astropy.io.votable import parse
from astropy.table import Table

pyvo = pytest.importorskip("pyvo", reason="needs pyvo: make .dev installs it")

ALL = "SELECT * FROM ant20_01.main"
ENDLESS = (
    "SELECT COUNT(*) FROM ant20_01.main a, ant20_01.main b, ant20_01.main c "
    "WHERE a.ra + b.ra + c.ra > SQRT(4)"
)


@pytest.fixture
def tap(server):
    return pyvo.dal.TAPService(f"{server.url}/tap")


def fetch(url: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def sync(server, **parameters: str) -> tuple[int, bytes]:
    given = {"LANG": "ADQL", "QUERY": ALL, **parameters}
    return fetch(f"{server.url}/tap/sync", urllib.parse.urlencode(given).encode())


def message(body: bytes) -> str:
    infos = parse(io.BytesIO(body)).resources[0].infos
    return next(info.content for info in infos if info.value == "ERROR")


def test_pyvo_gets_the_published_events_at_once_and_as_a_job(tap):
    query = f"{ALL} WHERE nhit > 150 ORDER BY nhit DESC"
    for found in (tap.run_sync(query), tap.run_async(query)):
        table = found.to_table()
        assert table.colnames == ["mjd", "beta", "nhit", "ra", "decl", "id"]
        assert len(table) == 10
        assert tuple(table[0]) == (54789.2282, 0.1, 263, 315.0, -16.7, "ANT1157")


def test_pyvo_gets_all_events(tap):
    assert len(tap.search(ALL)) == 8754


def test_pyvo_searches_a_cone(server):
    found = pyvo.dal.SCSService(f"{server.url}/scs/ant20_01/main").search(pos=(20, 30), radius=2)
    assert found.to_table().colnames == ["_r", "MJD", "Beta", "Nhit", "RA", "Decl", "ID"]
    assert list(found["ID"]) == ["ANT5087", "ANT3659"]
    assert list(found["_r"]) == pytest.approx([0.327663931770686, 1.56948430621669])
    assert [found.getdesc(name).ucd for name in found.fieldnames] == [
        "pos.distance",
        "time.epoch",
        "stat.error",
        "phys.energy",
        "POS_EQ_RA_MAIN",
        "POS_EQ_DEC_MAIN",
        "ID_MAIN",
    ]


def test_pyvo_says_what_was_wrong_with_a_cone(server):
    service = pyvo.dal.SCSService(f"{server.url}/scs/ant20_01/main")
    with pytest.raises(pyvo.dal.DALQueryError, match="not within 0 to 180"):
        service.search(pos=(20, 30), radius=200)


@pytest.mark.parametrize("run", ["run_sync", "run_async"])
def test_pyvo_joins_an_uploaded_table(tap, run):
    mine = Table({"ra": [20.0, 315.0], "dec": [30.0, -16.7], "name": ["a", "b"]})
    found = getattr(tap, run)(
        "SELECT u.name, m.id FROM ant20_01.main AS m JOIN TAP_UPLOAD.mine AS u ON 1 = CONTAINS("
        "POINT(m.ra, m.decl), CIRCLE(u.ra, u.dec, 2)) ORDER BY m.id",
        uploads={"mine": mine},
    )
    assert [tuple(row) for row in found.to_table()] == [
        ("b", "ANT1157"),
        ("a", "ANT3659"),
        ("b", "ANT4138"),
        ("a", "ANT5087"),
        ("b", "ANT5257"),
    ]


def test_pyvo_reads_tables_limits_and_examples(tap):
    assert "ant20_01.main" in list(tap.tables.keys())
    assert tap.tables["ant20_01.main"].columns[3].unit == "deg"
    assert tap.maxrec == 20_000
    for example in tap.examples:
        assert len(example.execute()) > 0


def test_pyvo_hears_of_more_rows(tap):
    found = tap.search(ALL, maxrec=3)
    assert (len(found), found.query_status) == (3, "OVERFLOW")


def test_a_job_is_aborted_and_deleted(tap):
    job = tap.submit_job(ENDLESS)
    job.run()
    job.abort()
    assert job.phase == "ABORTED"
    job.delete()
    with pytest.raises(pyvo.dal.DALServiceError):
        job.phase  # noqa: B018


def test_jobs_survive_the_sudden_end_of_the_server(server):
    tap = pyvo.dal.TAPService(f"{server.url}/tap")
    done = tap.submit_job(f"{ALL} WHERE nhit > 150")
    done.run().wait(timeout=30)
    endless = tap.submit_job(ENDLESS)
    endless.run()
    server.kill()
    server.start()
    assert len(done.fetch_result()) == 10
    assert endless.phase in {"QUEUED", "EXECUTING"}
    endless.delete()
    done.delete()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"QUERY": "DROP TABLE ant20_01.main"}, "not valid ADQL"),
        ({"QUERY": "SELECT nosuch FROM ant20_01.main"}, "no column nosuch"),
        ({"QUERY": ""}, "QUERY is missing"),
        ({"QUERY": ENDLESS}, "longer than 8 s"),
        ({"QUERY": "SELECT " + "(" * 999 + " FROM ant20_01.main"}, "nested"),
        ({"LANG": "PQL"}, "LANG"),
        ({"LANG": ""}, "LANG is missing"),
        ({"MAXREC": "-1"}, "MAXREC"),
        ({"MAXREC": "many"}, "MAXREC"),
        ({"REQUEST": "getAll"}, "doQuery"),
        ({"RESPONSEFORMAT": "excel"}, "not known"),
        ({"UPLOAD": "mine"}, "name,source"),
        ({"UPLOAD": "mine,param:nothing"}, "no part named"),
        ({"UPLOAD": "mine,http://127.0.0.1:8000/x"}, "ports"),
        ({"UPLOAD": "mine,file:///etc/passwd"}, "neither"),
    ],
)
def test_a_wrong_request_gets_an_error_document(server, change, words):
    status, body = sync(server, **change)
    assert status == 400
    assert words in message(body)


def multipart(name: str, content: bytes) -> tuple[bytes, str]:
    parts = {
        "LANG": "ADQL",
        "QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine",
        "UPLOAD": f"mine,param:{name}",
        "FORMAT": "json",
    }
    body = b"".join(
        f'--XX\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
        for k, v in parts.items()
    )
    body += (
        (
            f'--XX\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n'
            "Content-Type: application/x-votable+xml\r\n\r\n"
        ).encode()
        + content
        + b"\r\n--XX--\r\n"
    )
    return body, "multipart/form-data; boundary=XX"


def uploaded(server, content: bytes) -> tuple[int, bytes]:
    body, kind = multipart("f", content)
    return fetch(f"{server.url}/tap/sync", body, **{"Content-Type": kind})


def a_votable() -> bytes:
    out = io.BytesIO()
    Table({"x": [1.0, 2.0, 3.0]}).write(out, format="votable")
    return out.getvalue()


def test_an_upload_in_chunks_is_read(server):
    body, kind = multipart("f", a_votable())
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(
        "POST",
        urllib.parse.urlsplit(server.url).path + "/tap/sync",
        iter([body[:100], body[100:]]),
        {"Content-Type": kind},
        encode_chunked=True,
    )
    response = connection.getresponse()
    assert json.loads(response.read())["data"] == [[3]]
    connection.close()


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"not a votable", 400, "well-formed"),
        (
            b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><VOTABLE>&y;</VOTABLE>',
            400,
            "document type",
        ),
        (b" " * 3_000_000, 413, "are allowed"),
    ],
)
def test_a_bad_upload_gets_an_error_document(server, content, status, words):
    got, body = uploaded(server, content)
    assert got == status
    assert words in message(body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tap/async/nothing", 404),
        ("GET", "/tap/async/..%2f..%2fetc", 404),
        ("GET", "/tap/async/nothing/results/result", 404),
        ("DELETE", "/tap/async/nothing", 404),
        ("POST", "/tap/async/nothing/phase", 404),
        ("POST", "/tap/async/nothing/destruction", 404),
        ("PUT", "/tap/sync", 405),
        ("GET", "/tap/tables/no.table", 404),
        ("GET", "/scs/no/table?RA=1&DEC=1&SR=1", 404),
        ("GET", "/scs/tap_schema/tables?RA=1&DEC=1&SR=1", 404),
        ("POST", "/tap/async?PHASE=NOTHING", 400),
    ],
)
def test_missing_pages_are_not_found_and_not_server_errors(server, method, path, status):
    request = urllib.request.Request(
        server.url + path, method=method, data=b"" if method == "POST" else None
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == status


@pytest.mark.parametrize(
    "query",
    [
        "RA=x&DEC=1&SR=1",
        "RA=nan&DEC=1&SR=1",
        "DEC=1&SR=1",
        "RA=1&DEC=-91&SR=1",
        "RA=1&DEC=1&SR=-1",
        "RA=1&DEC=1&SR=1&VERB=9",
    ],
)
def test_a_wrong_cone_gets_the_error_document_of_cone_search(server, query):
    status, body = fetch(f"{server.url}/scs/ant20_01/main?{query}")
    assert status == 200
    first = ET.fromstring(body)[0]  # noqa: S314 - our own server's
    assert first.get("name") == "Error"


def test_a_malformed_body_is_a_bad_request(server):
    status, _ = fetch(
        f"{server.url}/tap/sync", b"--\xff", **{"Content-Type": "multipart/form-data; boundary="}
    )
    assert status == 400


def test_a_cone_of_radius_0_gives_the_columns_only(server):
    _, body = fetch(f"{server.url}/scs/ant20_01/main?RA=20&DEC=30&SR=0")
    table = parse(io.BytesIO(body)).get_first_table()
    assert (len(table.array), len(table.fields)) == (0, 7)


def test_the_page_for_people_names_the_tables(server):
    status, body = fetch(f"{server.url}/tap")
    assert status == 200
    assert b"ant20_01.main" in body
    assert b"8754" in body
