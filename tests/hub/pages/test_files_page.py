"""Files from outside: the page, its token, and what that token opens."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def client(hub, account, password):
    account("tess")
    with httpx.Client(base_url=f"{hub.url}/hub", timeout=60) as client:
        client.get("/login")
        form = {"username": "tess", "password": password, "_xsrf": client.cookies["_xsrf"]}
        assert client.post("/login", data=form).status_code == 302
        client.get("/home")
        yield client


def test_the_page_shows_the_address_and_that_the_server_has_to_run(client):
    page = client.get("/files-from-outside").text
    assert "/user/tess/dav/" in page
    assert "http://tess.localhost:" in page
    assert "Your server is not running" in page
    assert "files-from-outside" in client.get("/home").text


def test_the_page_needs_a_login(hub):
    answer = httpx.get(f"{hub.url}/hub/files-from-outside", timeout=60)
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_a_token_for_files_does_nothing_in_the_hub(hub, client):
    headers = {"X-XSRFToken": client.cookies["_xsrf"]}
    body = {"note": "files", "expires_in": 600, "scopes": ["custom:files"]}
    made = client.post("/api/users/tess/tokens", json=body, headers=headers)
    assert made.status_code == 201, made.text
    token = {"Authorization": f"token {made.json()['token']}"}
    api = f"{hub.url}/hub/api"
    me = httpx.get(f"{api}/user", headers=token, timeout=60).json()
    assert me["name"] == "tess"
    assert "custom:files" in me["scopes"]
    assert not [scope for scope in me["scopes"] if scope.startswith(("access:", "servers"))]
    assert httpx.post(f"{api}/users/tess/server", headers=token, timeout=60).status_code == 403
    assert httpx.post(f"{api}/users/tess/tokens", headers=token, timeout=60).status_code == 403
