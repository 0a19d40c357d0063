"""The portal below a path: which links, headers and cookies get it."""

from __future__ import annotations

from typing import Any

import pytest

from opendata.below_path import BelowPath, shares_origin
from tests.loops import in_a_loop


class Echo:
    """An application that answers with what it was given."""

    def __init__(self, headers: list[tuple[bytes, bytes]], *parts: bytes) -> None:
        self.headers = headers
        self.parts = parts
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = dict(scope)
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        for number, part in enumerate(self.parts, start=1):
            more = number < len(self.parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})


async def ask(app: Any, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    await app({"type": "http", "path": path, "root_path": "", "headers": []}, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


HTML = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"99")]


@pytest.mark.parametrize(
    ("page", "below"),
    [
        (b'<a href="/search">', b'<a href="/a/b/search">'),
        (b"<a href='/'>", b"<a href='/a/b/'>"),
        (b'<form method="post" action="/x">', b'<form method="post" action="/a/b/x">'),
        (b'<div data-source="/api">', b'<div data-source="/a/b/api">'),
        (b'<a href="/a/b/search">', b'<a href="/a/b/search">'),
        (b'<a href="/a/b">', b'<a href="/a/b">'),
        (b'<a href="/a/bc">', b'<a href="/a/b/a/bc">'),
        (b'<a href="//other.org/x">', b'<a href="//other.org/x">'),
        (b'<a href="https://other.org/x">', b'<a href="https://other.org/x">'),
        (b'<a href="#top">', b'<a href="#top">'),
        (b'<p>in text: href="/x"? yes</p>', b'<p>in text: href="/a/b/x"? yes</p>'),
    ],
)
@in_a_loop
async def test_links_of_a_page(page: bytes, below: bytes) -> None:
    half = len(page) // 2
    app = BelowPath(Echo(HTML, page[:half], page[half:]), "/a/b", curated=True)
    _, headers, body = await ask(app, "/a/b/records/")
    assert body == below
    assert headers[b"content-length"] == str(len(below)).encode()


@in_a_loop
async def test_other_content_and_other_ways_are_left_alone() -> None:
    text = b'{"html": "<a href=\\"/x\\">", "a": " href=\'/x\'"}'
    json = [(b"content-type", b"application/json")]
    assert (await ask(BelowPath(Echo(json, text), "/a", curated=True), "/a/x"))[2] == text
    page = b'<a href="/x">'
    inner = Echo(HTML, page)
    for path in ("/x", "/", "/ab/x"):
        assert (await ask(BelowPath(inner, "/a", curated=True), path))[2] == page
        assert inner.scope["root_path"] == ""


@in_a_loop
async def test_redirects_and_cookies_get_the_path_once() -> None:
    for given, told in (
        (b"/curate/", b"/a/b/curate/"), (b"/a/b/curate/", b"/a/b/curate/"),
        (b"https://x.org/", b"https://x.org/"), (b"//x.org/", b"//x.org/"), (b"next", b"next"),
    ):  # fmt: skip
        app = BelowPath(Echo([(b"location", given)], b""), "/a/b", curated=True)
        assert (await ask(app, "/a/b/x"))[1][b"location"] == told
    cookie = b"opendata_session=v/1; HttpOnly; Path=/curate/; SameSite=Strict"
    app = BelowPath(Echo([(b"Set-Cookie", cookie)], b""), "/a/b", curated=True)
    _, headers, _ = await ask(app, "/a/b/curate/login")
    assert headers[b"Set-Cookie"] == cookie.replace(b"Path=/curate/", b"Path=/a/b/curate/")


@in_a_loop
async def test_nobody_curates_where_users_pages_share_the_host() -> None:
    inner = Echo(HTML, b"x")
    app = BelowPath(inner, "/a", curated=False)
    for path in ("/a/curate/", "/a/curate/login", "/a/curate"):
        status, _, body = await ask(app, path)
        assert status == 403
        assert b"host name of its own" in body
    assert not inner.scope
    assert (await ask(app, "/curate/"))[0] == 200
    status, headers, _ = await ask(app, "/a")
    assert (status, headers[b"location"]) == (301, b"/a/")


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("https://x.org/data", "https://x.org:443/hub", True),
        ("https://x.org/data", "http://x.org/hub", False),
        ("https://data.x.org/a", "https://x.org", False),
        ("https://X.org/a", "https://x.org", True),
        ("https://x.org/a", "", False),
    ],
)
def test_shared_origins(one: str, other: str, shared: bool) -> None:
    assert shares_origin(one, other) is shared
