from __future__ import annotations

import json
import socket

import httpx
import pytest
from django.test import Client

from opendata.records import store
from opendata.records.models import DataFile

from .records import ECSV, draft
from .running import Server

NEW = {"record": {"identifier": "cnt24_01"}, "draft": draft()}
DRAFT = "/api/v1/records/cnt24_01/draft/"


def _post(web: Client, path: str, content: object = None) -> object:
    return web.post(path, json.dumps(content or {}), content_type="application/json")


def _put(web: Client, name: str, content: bytes) -> object:
    return web.put(f"{DRAFT}files/{name}", content, content_type="application/octet-stream")


def test_a_record_can_be_made_uploaded_reviewed_and_published_over_the_api(
    curators_web: Client, reviewers_web: Client, web: Client
) -> None:
    assert _post(curators_web, "/api/v1/drafts/", NEW).status_code == 201
    answer = _put(curators_web, "counts.ecsv", ECSV)
    assert answer.status_code == 201, answer.content
    assert answer.json()["tables"][0]["rows"] == 3
    assert _post(curators_web, f"{DRAFT}submit/").status_code == 200
    assert web.get("/api/v1/records/cnt24_01/").status_code == 404
    assert _post(reviewers_web, f"{DRAFT}approve/").status_code == 200
    found = web.get("/api/v1/records/cnt24_01/").json()
    assert found["current"]["files"][0]["size"] == len(ECSV)


def test_writing_needs_a_token(web: Client) -> None:
    assert _post(web, "/api/v1/drafts/", NEW).status_code == 401
    wrong = Client(headers={"Authorization": "Bearer odc_wrong"})
    assert _post(wrong, "/api/v1/drafts/", NEW).status_code == 401


def test_drafts_are_hidden_from_others(web: Client, curators_web: Client) -> None:
    _post(curators_web, "/api/v1/drafts/", NEW)
    _put(curators_web, "counts.ecsv", ECSV)
    assert web.get(DRAFT).status_code == 401
    assert web.get("/storage/cnt24_01/1.0/counts.ecsv").status_code == 404
    assert web.get("/storage/counts.ecsv").status_code == 404
    assert web.get(f"/api/access/datafile/{DataFile.objects.get().pk}").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("counts.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "counts.h5"),
        ("counts.fits", ECSV, "its suffix is .fits: rename it"),
        ("counts.json", b'{"a": [1, 2', "not JSON"),
        ("counts.json", b"[" * 100_000, "not JSON"),
        (
            "counts.vot",
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            b"<VOTABLE>&a;</VOTABLE>",
            "counts.vot",
        ),
        ("counts.ecsv", b"", "empty"),
        ("counts.root", b"root" + b"\0" * 10, "counts.root"),
        ("..counts.ecsv", ECSV, "name"),
    ],
)
def test_bad_files_are_refused_and_leave_nothing(
    curators_web: Client, name: str, content: bytes, message: str
) -> None:
    _post(curators_web, "/api/v1/drafts/", NEW)
    answer = _put(curators_web, name, content)
    assert answer.status_code == 409, answer.content
    assert message in answer.json()["detail"]
    assert not DataFile.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'{"record": 1}', b"{", b'{"draft": {}, "record": {}}', b"\xff"],
)
def test_bad_documents_get_a_sentence(curators_web: Client, content: bytes) -> None:
    answer = curators_web.post("/api/v1/drafts/", content, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_a_file_above_the_limit_is_refused_before_it_is_kept(seeded_server: Server) -> None:
    headers = seeded_server.token("big", "curator")
    new = {"record": {"identifier": "big_01"}, "draft": draft()}
    made = httpx.post(f"{seeded_server.url}/api/v1/drafts/", json=new, headers=headers, timeout=60)
    assert made.status_code == 201
    # Only what the request says of its length counts: nothing has to be sent.
    host, port = seeded_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"PUT /api/v1/records/big_01/draft/files/x.bin HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: " + headers["Authorization"].encode() + b"\r\n"
            b"Content-Length: 1000000000\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_stream_without_length_is_counted(seeded_server: Server) -> None:
    pieces = (b"\0" * 2**20 for _ in range(8))  # without a token 5 MB are the limit
    try:
        answer = httpx.post(f"{seeded_server.url}/api/v1/drafts/", content=pieces, timeout=60)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # the server hung up before all was sent
    assert seeded_server.get("/health").status_code == 200


def test_contents_are_kept_once_under_their_checksum() -> None:
    first, second = store.put([b"ab", b"c"]), store.put([b"abc"])
    assert first == second
    assert first.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.path_of(first.sha256).read_bytes() == b"abc"
    with pytest.raises(store.TooLarge):
        store.put([b"abcd"], limit=3)
    assert not [path for path in store.folder().iterdir() if path.name.startswith(".new-")]
