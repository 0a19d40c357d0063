"""What clients can make the portal store, together and each."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from adqlite.spool import Spool
from opendata.body_limit import BodyLimit
from opendata.clients import client
from opendata.configuration import Configuration, ConfigurationError
from opendata.records import store
from opendata.records.models import DataFile

MB = 2**20


class Sending:
    """A request that sends its body in pieces, and the answer to it."""

    def __init__(self, address: str, size: int) -> None:
        self.scope = {
            "type": "http",
            "path": "/vo/tap/sync",
            "headers": [],
            "query_string": b"",
            "client": (address, 1),
        }
        self.left = size
        self.status = 0
        self.body = b""

    async def receive(self) -> dict[str, Any]:
        piece = min(self.left, MB)
        self.left -= piece
        return {"type": "http.request", "body": b"x" * piece, "more_body": self.left > 0}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


def test_bodies_of_a_client_at_the_same_time_have_a_limit_together() -> None:
    holding, release = [], asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        holding.append(scope["client"][0])
        await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def attack() -> list[Sending]:
        spool = Spool(40 * MB, 10 * MB)
        limited = BodyLimit(app, 8 * MB, spool)
        requests = [
            Sending(address, size * MB)
            for address, size in [
                ("198.51.100.1", 6),
                ("198.51.100.1", 6),  # together with the first it is too much
                ("2001:db8::1", 6),
                ("2001:db8::2", 6),  # the same network, thus the same client
                ("198.51.100.2", 6),
            ]
        ]
        tasks = []
        for request in requests:
            tasks.append(asyncio.create_task(limited(request.scope, request.receive, request.send)))
            await asyncio.sleep(0)
        while len(holding) + sum(task.done() for task in tasks) < len(tasks):
            await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*tasks)
        assert spool.used == 0
        return requests

    requests = asyncio.run(attack())
    assert [request.status for request in requests] == [200, 503, 200, 503, 200]
    sentence = json.loads(requests[1].body)["detail"]
    assert "of the 10 MB of temporary space for one client" in sentence


def test_a_client_is_the_account_of_a_valid_token_or_the_address(
    curators_web: Client,
) -> None:
    rf = RequestFactory()
    token = curators_web.defaults["HTTP_AUTHORIZATION"]
    one = rf.get("/", headers={"Authorization": token}, REMOTE_ADDR="198.51.100.1")
    other = rf.get("/", headers={"Authorization": token}, REMOTE_ADDR="198.51.100.2")
    assert client(one) == client(other)
    # A wrong token, and a header that only a trusted proxy may send, change nothing.
    forged = rf.get(
        "/",
        headers={"Authorization": "Bearer odc_x", "X-Forwarded-For": "203.0.113.5"},
        REMOTE_ADDR="198.51.100.1",
    )
    plain = rf.get("/", REMOTE_ADDR="198.51.100.1")
    assert client(forged) == client(plain) != client(one)


def upload(web: Client, name: str, content: bytes) -> Any:
    return web.put(
        f"/api/v1/records/budget20_01/draft/files/{name}",
        content,
        content_type="application/octet-stream",
    )


@pytest.fixture
def draft(curators_web: Client) -> Client:
    made = curators_web.post(
        "/api/v1/drafts/",
        {
            "record": {"identifier": "budget20_01"},
            "draft": {"title": "A record", "ktype": "km3.data.l4.lookup"},
        },
        content_type="application/json",
    )
    assert made.status_code == 201, made.content
    return curators_web


TABLE = b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\na\n1\n"


def _changed(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    changed = settings.CONFIGURATION.model_copy(update=values)
    monkeypatch.setattr(settings, "CONFIGURATION", changed)


def test_files_of_an_accounts_drafts_have_a_limit_together(
    draft: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upload(draft, "a.ecsv", TABLE).status_code == 201
    _changed(monkeypatch, drafts_gb=len(TABLE) / 1e9)
    refused = upload(draft, "b.ecsv", TABLE + b"2\n")
    assert refused.status_code == 409
    assert "publish or discard some of them first" in refused.json()["detail"]
    assert DataFile.objects.count() == 1


def test_uploads_leave_space_on_the_disk(draft: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opendata.records.store.spare", lambda *_: 0)
    refused = upload(draft, "a.ecsv", TABLE)
    assert refused.status_code == 507
    assert "disk of the portal is full" in refused.json()["detail"]


def test_a_refused_file_is_deleted_unless_another_has_the_same_content(draft: Client) -> None:
    def contents() -> set[str]:
        return {path.name for path in store.folder().glob("??/*")}

    before = contents()
    assert upload(draft, "a.fits", b"this is not FITS").status_code == 409
    assert contents() == before
    assert upload(draft, "a.ecsv", TABLE).status_code == 201
    after = contents()
    assert upload(draft, "a.fits", TABLE).status_code == 409
    assert contents() == after


def test_what_a_killed_upload_leaves_is_deleted_after_a_day() -> None:
    incoming = Path(settings.FILE_UPLOAD_TEMP_DIR)
    left = [store.folder() / ".new-left", incoming / "tmpleft.upload"]
    young = [store.folder() / ".new-young", incoming / "tmpyoung.upload"]
    kept = store.put([b"a content that no record refers to"])
    for path in (*left, *young):
        path.write_bytes(b"x")
    for path in (*left, store.path_of(kept.sha256)):
        os.utime(path, (time.time() - 90_000, time.time() - 90_000))
    assert store.delete_abandoned() == 2
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in young)
    # Whatever the database says, nothing complete is deleted.
    assert store.path_of(kept.sha256).exists()
    for path in (*young, store.path_of(kept.sha256)):
        path.unlink()


def test_limits_of_tap_come_from_the_environment() -> None:
    found = Configuration.load({"OPENDATA_TAP_LIMITS": "stored_bytes=5000 client_jobs=7"})
    assert found.tap_limits == {"stored_bytes": "5000", "client_jobs": "7"}


@pytest.mark.parametrize("text", ["nonsense", "jobs=many", "jobs=-1", "unknown=3"])
def test_a_wrong_limit_of_tap_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"OPENDATA_TAP_LIMITS.*for example"):
        Configuration.load({"OPENDATA_TAP_LIMITS": text})
