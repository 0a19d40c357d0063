"""What users, administrators and the platform's own tokens may do at the hub: every cell.

The table is the one of docs/roles.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from jupyterhub import apihandlers
from jupyterhub.handlers import metrics
from tornado.web import RequestHandler

from tests.hub.conftest import StartHub
from tests.hub.login.test_closed_accounts import start_server, token_of
from tests.hub.running import RunningHub
from tests.permissions import permissions
from tests.waiting import wait_until

TABLE = permissions("request", heading="Hub")
OPEN = permissions("open request", heading="Hub")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: The only service that could be deleted is one that an administrator made at run time.
ABSENT = "DELETE /hub/api/services/NEW"
#: Shares can be changed with the name of a server only: 405, to whoever may change shares.
WITHOUT_SERVER = re.compile(r"(POST|PATCH|DELETE) /hub/api/(shares|share-codes)/OTHER")
_NUMBERS = count()
CONFIG = """
from km3hub.configure.status import configure_status

configure_status(c, platform, runtime)
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub, password: str) -> RunningHub:
    hub = start_hub(config=CONFIG)
    hub.accounts.add("bob", password)
    return hub


@pytest.fixture(scope="module")
def tokens(hub: RunningHub, password: str) -> dict[str, dict[str, str]]:
    """The Authorization header of each column of the table."""
    import psutil

    found = {}
    for role, name in (("user", "ada"), ("admin", "root"), ("other", "bob")):
        with hub.client() as browser:
            browser.login(name, password)
            found[role] = token_of(browser, name)
            if role == "user":
                start_server(browser, name)
    assert hub.process
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        environment = process.environ()
        if environment.get("JUPYTERHUB_USER") == "ada":
            found["server"] = {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    for service in ("platform", "metrics"):
        found[service] = {"Authorization": f"token {hub.state.secret(service)}"}
    return found


@pytest.fixture(scope="module")
def as_admin(hub: RunningHub, tokens: dict[str, dict[str, str]]) -> Iterator[httpx.Client]:
    """An administrator, who prepares what requests are about."""
    base = f"{hub.url}/hub/api"
    with httpx.Client(base_url=base, headers=tokens["admin"], timeout=60) as client:
        yield client


def prepared(as_admin: httpx.Client, row: str, own: str) -> str:
    """The address of a row with real names in it; what it is about exists."""
    method, path = row.split()
    number = next(_NUMBERS)
    other, group, new = "bob", f"group{number}", f"new{number}"
    if path.endswith("/users/OTHER") and method == "DELETE":
        other = f"gone{number}"
        as_admin.post(f"/users/{other}").raise_for_status()
    if "GROUP" in path:
        as_admin.post(f"/groups/{group}", json={"users": ["bob"]}).raise_for_status()
    if path.endswith("/shared/SELF/"):
        with_whom = {"group": group} if "GROUP" in path else {"user": "bob"}
        as_admin.post(f"/shares/{own}/", json=with_whom).raise_for_status()
    if "/server" in path and (method == "DELETE" or path.endswith("/progress")):
        # Without a server, whoever may stop or follow it would get the answer of others: 404.
        started = as_admin.post("/users/bob/server", json={})
        assert started.status_code in (201, 202, 400), started.text
        wait_until(
            lambda: bool(as_admin.get("/users/bob").json()["servers"][""]["ready"]),
            seconds=60,
            what="the server runs",
            ignoring=KeyError,
        )
    if "TOKEN" in path:
        made = as_admin.post("/users/bob/tokens", json={}).raise_for_status()
        path = path.replace("/TOKEN", f"/{made.json()['id']}")
    for word, name in (("OTHER", other), ("SELF", own), ("NEW", new), ("GROUP", group)):
        path = path.replace(f"/{word}", f"/{name}")
    return path


def example(row: str) -> str:
    """The address of a row with names that need not exist."""
    path = row.split()[1]
    for word, name in (("OTHER", "bob"), ("SELF", "ada"), ("NEW", "mine"), ("GROUP", "g")):
        path = path.replace(f"/{word}", f"/{name}")
    return path


def ask(hub: RunningHub, row: str, *, path: str, headers: dict[str, str]) -> int:
    method = row.split(maxsplit=1)[0]
    body: dict[str, Any] | None = {} if method in ("PATCH", "POST", "PUT") else None
    if path.endswith("/users"):
        body = {"users": ["bob"]}
    return httpx.request(
        method, f"{hub.url}{path}", headers=headers, json=body, timeout=60
    ).status_code


@pytest.mark.parametrize("role", ["user", "admin", "server", "platform", "metrics"])
@pytest.mark.parametrize("row", [row for row in TABLE if "shutdown" not in row])
def test_the_hub_answers_a_role_only_where_the_table_says_so(
    hub: RunningHub,
    tokens: dict[str, dict[str, str]],
    as_admin: httpx.Client,
    row: str,
    role: str,
) -> None:
    own = "root" if role == "admin" else "ada"
    path = prepared(as_admin, row, own)
    status = ask(hub, row, path=path, headers=tokens[role])
    if role == "admin" and WITHOUT_SERVER.fullmatch(row):
        assert status == 405, row
    elif TABLE[row][role] == "no":
        # 404 where the hub does not even say that there is such a user.
        assert status in (403, 404), (row, role)
    elif row == ABSENT:
        assert status == 404, (row, role)
    else:
        assert status in (200, 201, 202, 204, 400, 409), (row, role)


def test_every_method_of_jupyterhub_has_a_row() -> None:
    rows = [row.split() for row in (*TABLE, *OPEN)]
    missing = [
        f"{method} {pattern}"
        for pattern, handler in (*apihandlers.default_handlers, *metrics.default_handlers)
        for method in METHODS
        if method.lower() in own_methods(handler)
        and not any(
            method == known and re.fullmatch(pattern, path.removeprefix("/hub"))
            for known, path in rows
        )
    ]
    assert missing == [], "add rows to docs/roles.md"


def own_methods(handler: type[RequestHandler]) -> set[str]:
    """The methods that a handler answers."""
    return {
        method.lower()
        for method in METHODS
        if getattr(handler, method.lower()) is not RequestHandler._unimplemented_method
    }


@pytest.mark.parametrize("row", [row for row in OPEN if row.startswith("GET")])
def test_what_is_open_gives_a_stranger_no_data(hub: RunningHub, row: str) -> None:
    """Only the version, that the hub works, and the way to the login."""
    path = row.split()[1]
    answer = httpx.get(f"{hub.url}{path}", timeout=60)
    if answer.status_code == 302:
        assert urlsplit(answer.headers["Location"]).path == "/hub/login"
    elif answer.status_code == 200:
        assert answer.text == "" or set(answer.json()) == {"version"}
    else:
        assert answer.status_code in (403, 404)


@pytest.mark.parametrize("row", [row for row in OPEN if row.startswith("POST")])
def test_what_is_open_does_nothing_for_a_stranger(hub: RunningHub, row: str) -> None:
    assert ask(hub, row, path=row.split()[1], headers={}) >= 400


@pytest.mark.parametrize("row", list(TABLE))
def test_strangers_are_refused_everything(hub: RunningHub, row: str) -> None:
    assert ask(hub, row, path=example(row), headers={}) in (401, 403, 404)


@pytest.mark.parametrize("role", ["user", "server", "platform", "metrics"])
def test_only_administrators_shut_the_hub_down(
    hub: RunningHub, tokens: dict[str, dict[str, str]], role: str
) -> None:
    (row,) = (row for row in TABLE if "shutdown" in row)
    assert TABLE[row][role] == "no"
    assert ask(hub, row, path=example(row), headers=tokens[role]) == 403
