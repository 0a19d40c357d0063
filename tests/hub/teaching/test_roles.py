"""What everybody may do in a workshop: every cell of the table in docs/roles.md."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.hub.running import Client
from tests.permissions import permissions

TABLE = permissions("request", heading="Workshops")
PEOPLE = {"teacher": "tess", "participant": "pia", "other": "thor", "admin": "root"}


@pytest.mark.parametrize("role", list(PEOPLE))
@pytest.mark.parametrize("row", list(TABLE))
def test_people_may_do_what_the_table_says(
    log_in: Callable[[str], Client], row: str, role: str
) -> None:
    method, path = row.split()
    browser = log_in(PEOPLE[role])
    data = {"_xsrf": browser.xsrf()} if method == "POST" and "/api/" not in path else None
    headers = {"X-XSRFToken": browser.xsrf()} if "/api/" in path else {}
    json = {} if "/api/" in path and method == "POST" else None
    answer = browser.request(method, path, data=data, json=json, headers=headers)
    if TABLE[row][role] in ("yes", "own"):
        # The form is empty, and there may be nothing of that number.
        assert answer.status_code in (200, 303, 400, 404, 409), row
    else:
        assert answer.status_code == 403, row


@pytest.mark.parametrize("row", list(TABLE))
def test_servers_may_do_what_the_table_says(
    server_of: Callable[[str], httpx.Client], row: str
) -> None:
    method, path = row.split()
    with server_of("pia") as server:
        host = str(server.base_url).split("/hub/")[0]
        answer = server.request(method, f"{host}{path}", json={} if method == "POST" else None)
    if TABLE[row]["server"] in ("yes", "own"):
        assert answer.status_code in (200, 400, 404, 409), row
    else:
        assert answer.status_code in (302, 403), row


@pytest.mark.parametrize("row", list(TABLE))
def test_strangers_are_refused_everything(hub: object, row: str) -> None:
    method, path = row.split()
    url = getattr(hub, "url", "")
    assert httpx.request(method, f"{url}{path}").status_code in (302, 403)
