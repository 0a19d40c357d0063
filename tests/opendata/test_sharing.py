"""What scripts in pages of other origins may read, and what they may not (CORS)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from opendata.accounts.models import User

from .records import published
from .running import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ELSEWHERE = {"Origin": "https://elsewhere.example"}


@pytest.fixture
def elsewhere(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page of another origin."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Elsewhere</title>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        page.close()
        server.shutdown()


def _fetch(page: Page, url: str, **options: Any) -> dict[str, Any]:
    """Fetch an address in the page; `error` where the browser hands nothing over."""
    script = """async ([url, options]) => {
        try {
            const answer = await fetch(url, options);
            return {status: answer.status, text: await answer.text(),
                    headers: Object.fromEntries(answer.headers.entries())};
        } catch (error) { return {error: String(error)}; }
    }"""
    result: dict[str, Any] = page.evaluate(script, [url, options])
    return result


@pytest.mark.browser
def test_a_page_of_another_origin_reads_what_is_public(
    elsewhere: Page, seeded_server: Server
) -> None:
    base = seeded_server.url
    for path in (
        "/catalog.json",
        "/api/v1/search/?q=neutrino",
        "/api/schema/?format=json",
        "/records/ana20_01_vo/jsonld",
        "/records/ana20_01_vo/linkset.json",
        "/alerts/feed.json",
        "/alerts/feed.xml",
        "/oai?verb=Identify",
        "/vo/tap/capabilities",
        "/vo/tap/tables",
        "/api/datasets/:persistentId/?persistentId=ana20_01_vo",
    ):
        answer = _fetch(elsewhere, base + path)
        assert answer.get("status") == 200, (path, answer)
    # Asking for a format, and an error that says what is wrong.
    asked = _fetch(
        elsewhere, f"{base}/records/ana20_01_vo/", headers={"Accept": "application/ld+json"}
    )
    assert asked["headers"]["content-type"] == "application/ld+json"
    assert 'rel="cite-as"' in asked["headers"]["link"]
    gone = _fetch(elsewhere, f"{base}/api/v1/records/nothing/")
    assert gone["status"] == 404
    assert "nothing" in gone["text"]


@pytest.mark.browser
def test_a_page_of_another_origin_reads_parts_of_files(
    elsewhere: Page, seeded_server: Server
) -> None:
    record = seeded_server.get("/api/v1/records/ana20_01_vo/files/").json()[0]
    part = _fetch(elsewhere, record["url"], headers={"Range": "bytes=0-9", "If-Match": "*"})
    assert part["status"] == 206
    assert len(part["text"]) == 10
    seen = part["headers"]
    assert seen["content-range"] == f"bytes 0-9/{record['size']}"
    assert seen["etag"] == f'"{record["sha256"]}"'
    assert {"accept-ranges", "content-length", "link", "repr-digest", "last-modified"} <= set(seen)
    again = _fetch(
        elsewhere, record["url"], headers={"If-None-Match": seen["etag"]}, cache="no-store"
    )
    assert again["status"] == 304


@pytest.mark.browser
def test_a_page_of_another_origin_queries_the_virtual_observatory(
    elsewhere: Page, seeded_server: Server
) -> None:
    form = "LANG=ADQL&FORMAT=csv&QUERY=SELECT COUNT(*) AS n FROM ant20_01.main"
    for options in (
        {"headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        # A header that needs the browser to ask first.
        {"headers": {"Content-Type": "application/x-www-form-urlencoded", "Range": "bytes=0-"}},
    ):
        answer = _fetch(
            elsewhere, f"{seeded_server.url}/vo/tap/sync", method="POST", body=form, **options
        )
        assert answer["status"] == 200, answer
        assert answer["text"].split()[0] == "n"


@pytest.mark.browser
def test_a_page_of_another_origin_can_neither_log_in_nor_write(
    elsewhere: Page, seeded_server: Server
) -> None:
    base = seeded_server.url
    token = seeded_server.token("cora", "curator", "alert-sender")
    for path, options in (
        ("/curate/login/", {}),
        ("/curate/", {}),
        ("/metrics", {}),
        ("/api/v1/drafts/", {"headers": token}),
        ("/api/v1/drafts/", {"method": "POST", "body": "{}", "headers": token}),
        ("/api/v1/records/ana20_01_vo/draft/", {"method": "PUT", "body": "{}", "headers": token}),
        ("/api/v1/records/ana20_01_vo/", {"method": "DELETE"}),
        ("/api/v1/records/ana20_01_vo/", {"headers": token}),
        ("/alerts/incoming/", {"method": "POST", "body": "{}", "headers": token}),
        ("/alerts/incoming/", {}),
        # With cookies of the visitor, which no read needs.
        ("/catalog.json", {"credentials": "include"}),
    ):
        assert "error" in _fetch(elsewhere, base + path, **options), (path, options)


@pytest.mark.parametrize(
    "path", ["/curate/login/", "/curate/nothing", "/health", "/metrics", "/alerts/incoming/"]
)
def test_what_is_not_public_carries_no_permission(web: Client, path: str) -> None:
    for answer in (
        web.get(path, headers=ELSEWHERE),
        web.options(path, headers=ELSEWHERE | {"Access-Control-Request-Method": "POST"}),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_reads_allow_reading_only_and_no_credentials(
    web: Client, curator: User, reviewer: User
) -> None:
    published(curator, reviewer)
    for path in ("/records/cnt24_01/", "/storage/cnt24_01/1.0/counts.ecsv", "/catalog.json"):
        asked = ELSEWHERE | {"Access-Control-Request-Method": "PUT"}
        before = web.options(path, headers=asked)
        assert before["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
        assert "authorization" not in before["Access-Control-Allow-Headers"]
        answer = web.get(path, headers=ELSEWHERE)
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer
        assert "Origin".lower() in answer["Vary"].lower()
