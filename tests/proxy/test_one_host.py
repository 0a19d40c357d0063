"""KM3_USER_ORIGINS=shared: only its owner's browser reaches a server; the rest is sandboxed."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import httpx
import pytest

from tests.proxy.conftest import TOKEN, Behind, Proxy

SESSION = "5" * 32


def cookie(user: str, session: str = SESSION, expires: int | None = None) -> str:
    """The cookies of an owner, by the rule in the proxy's documentation."""
    when = int(time.time()) + 60 if expires is None else expires
    key = hmac.digest(TOKEN.encode(), b"owner of a server", hashlib.sha256)
    mac = hmac.digest(key, f"{user}\n{session}\n{when}".encode(), hashlib.sha256).hex()
    return f"jupyterhub-session-id={session}; km3-owner={when}.{mac}"


@pytest.fixture(scope="module")
def ada(small: Callable[[str], Behind]) -> Behind:
    return small("ada")


@pytest.fixture(scope="module")
def proxy(start_proxy: Callable[..., Proxy], small: Callable[[str], Behind], ada: Behind) -> Proxy:
    proxy = start_proxy(small("hub").address, KM3_USER_ORIGINS="shared", KM3_PATH="/km3net")
    proxy.route("/km3net/user/ada", ada.address, user="ada")
    return proxy


def policies(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("content-security-policy")


def test_the_owner_uses_lab_as_it_is(proxy: Proxy) -> None:
    for path in ("", "/", "/lab", "/lab/tree/a.ipynb", "/api/contents", "/tree", "/static/a.js"):
        answer = proxy.ask(f"/km3net/user/ada{path}", Cookie=cookie("ada"))
        assert answer.json()["server"] == "ada"
        assert policies(answer) == []
    answer = proxy.ask("/km3net/user/ada/api/kernels", method="POST", Cookie=cookie("ada"))
    assert answer.json()["server"] == "ada"


@pytest.mark.parametrize(
    "path", ["files/evil.html", "view/evil.html", "nbconvert/html/a.ipynb", "proxy/8000/", "evil",
             "lab%2f..%2fevil", "lab/../evil", "LAB"],
)  # fmt: skip
def test_other_pages_are_sandboxed_for_the_owner(proxy: Proxy, ada: Behind, path: str) -> None:
    for own in ([], [("Content-Security-Policy", "default-src 'self', ")],
                [("Content-Security-Policy", "x"), ("content-security-policy", "y")]):  # fmt: skip
        ada.extra[:] = own
        answer = proxy.ask(f"/km3net/user/ada/{path}", Cookie=cookie("ada"))
        assert policies(answer)[0].startswith("sandbox ")
        assert "allow-same-origin" not in policies(answer)[0]
    ada.extra.clear()


@pytest.mark.parametrize(
    "cookies",
    [
        "",
        cookie("bob"),
        cookie("ada", expires=1),
        cookie("ada").replace(SESSION, "6" * 32),
        # Alice's page put her session beside the visitor's own.
        cookie("ada") + f"; jupyterhub-session-id={'6' * 32}",
        f"jupyterhub-session-id={SESSION}; km3-owner=9999999999.",
        f"jupyterhub-session-id={SESSION}; km3-owner=",
        f"jupyterhub-session-id={SESSION}; km3-owner=nan.00",
    ],
)
def test_other_browsers_do_not_reach_the_server(proxy: Proxy, cookies: str) -> None:
    answer = proxy.ask("/km3net/user/ada/lab?a=b", Cookie=cookies, Accept="text/html")
    assert answer.status_code == 302
    assert (
        answer.headers["Location"] == "/km3net/hub/enter?next=%2Fkm3net%2Fuser%2Fada%2Flab%3Fa%3Db"
    )
    assert proxy.ask("/km3net/user/ada/api/x", method="POST", Cookie=cookies).status_code == 403


def test_programs_with_a_token_reach_it_and_get_a_sandbox(proxy: Proxy) -> None:
    answer = proxy.ask("/km3net/user/ada/lab", method="POST", Authorization="Bearer abc")
    assert answer.json()["server"] == "ada"
    assert policies(answer)[0].startswith("sandbox ")


def test_the_hub_is_reached_unchanged(proxy: Proxy) -> None:
    for path in ("/km3net/hub/login", "/km3net/user/bob/lab", "/km3net/hub/../hub/x"):
        answer = proxy.ask(path, method="POST")
        assert answer.json()["server"] == "hub"
        assert policies(answer) == []


def test_programs_for_files_reach_a_server_without_cookies(proxy: Proxy, ada: Behind) -> None:
    ada.extra[:] = [("Set-Cookie", "jupyterhub-session-id=chosen; Path=/")]
    try:
        for authorization in ({}, {"Authorization": "Basic bWU6dG9rZW4="}):
            answer = proxy.ask("/km3net/user/ada/dav/a", Cookie=cookie("ada"), **authorization)
            assert answer.json()["server"] == "ada"
            assert answer.json()["cookie"] is None
            assert policies(answer)[0].startswith("sandbox ")
            assert "set-cookie" not in answer.headers
    finally:
        ada.extra.clear()


@pytest.mark.parametrize(
    "header", [{"Sec-Fetch-Mode": "navigate"}, {"Sec-Fetch-Site": "cross-site"},
               {"Origin": "http://evil.example"}, {"Accept": "text/html,*/*"}],
)  # fmt: skip
def test_browsers_do_not_get_in_by_the_way_of_programs(
    proxy: Proxy, header: dict[str, str]
) -> None:
    for path in ("dav/a", "dav"):
        assert proxy.ask(f"/km3net/user/ada/{path}", **header).status_code == 302
        answer = proxy.ask(f"/km3net/user/ada/{path}", method="POST", **header)
        assert answer.status_code == 403


@pytest.mark.parametrize("path", ["davos", "lab", "dav/../lab", "dav%2f..%2flab", "dav/%2e%2e/lab"])
def test_programs_for_files_reach_nothing_else(proxy: Proxy, path: str) -> None:
    answer = proxy.ask(f"/km3net/user/ada/{path}", method="POST", Authorization="Basic bWU6dA==")
    assert answer.status_code == 403
