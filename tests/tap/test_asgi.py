"""The ASGI application in this process: limits of bodies, and addresses."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from astropy.io.votable import parse
from astropy.table import Table

import adqlite
from adqlite.http.asgi import application


def ask(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here:81") as client:
            return await client.request(method, path, **options)

    return asyncio.run(send())


def message(answer: httpx.Response) -> str:
    infos = parse(io.BytesIO(answer.content)).resources[0].infos
    return str(next(info.content for info in infos if info.value == "ERROR"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    adqlite.publish(tmp_path, "a.b", Table({"x": [1, 2]}))
    return tmp_path


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=X", "application/x-www-form-urlencoded"]
)
def test_a_body_above_the_limit_gets_an_error_document(folder: Path, kind: str) -> None:
    limits = adqlite.Limits(upload_bytes=1_000_000, upload_tables=2)
    app = application(folder, limits)
    start = b'--X\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = start + b"x" * 2_100_000
    answer = ask(app, "POST", "/tap/sync", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert "more than the 2000000 bytes allowed" in message(answer)


@pytest.mark.parametrize(
    "body", [b"--\xff", b"", b"--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--"]
)
def test_a_broken_form_gets_an_error_document(folder: Path, body: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=X"}
    answer = ask(application(folder), "POST", "/tap/sync", content=body, headers=kind)
    assert answer.status_code == 400
    assert message(answer)


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [("", "http://here:81/tap"), ("https://vo.a.b/x/", "https://vo.a.b/x/tap")],
)
def test_documents_have_the_public_address(folder: Path, base_url: str, shown: str) -> None:
    app = application(folder, base_url=base_url)
    assert f'<accessURL use="base">{shown}<' in ask(app, "GET", "/tap/capabilities").text


def test_the_root_leads_to_the_page_for_people(folder: Path) -> None:
    app = application(folder)
    answer = ask(app, "GET", "/?x=1", follow_redirects=True)
    assert str(answer.url) == "http://here:81/tap"
    assert "a.b" in answer.text


def test_a_folder_has_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADQLITE_FOLDER", raising=False)
    with pytest.raises(ValueError, match="ADQLITE_FOLDER"):
        application()
