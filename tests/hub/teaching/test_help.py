"""Help by invitation, and progress by agreement: nothing of either without the participant."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.hub.running import Client, RunningHub
from tests.hub.teaching.conftest import page, post, start_server
from tests.waiting import wait_until

LogIn = Callable[[str], Client]
ServerOf = Callable[[str], httpx.Client]


@pytest.fixture
def visit(hub: RunningHub, password: str) -> Iterator[Callable[[str], str]]:
    """A function that opens the server of pia in a browser of its own; the text of the answer."""
    browsers: dict[str, Client] = {}

    def visit(name: str) -> str:
        if name not in browsers:
            browsers[name] = hub.client(follow_redirects=True)
            browsers[name].login(name, password)
        return _enter(browsers[name])

    yield visit
    for browser in browsers.values():
        browser.close()


def _enter(browser: Client) -> str:
    answer = browser.get("/user/pia/")
    if answer.url.path == "/hub/api/oauth2/authorize" and answer.status_code == 200:
        # JupyterHub asks before the server of somebody else learns who visits it.
        fields = re.findall(r'name="(scopes|_xsrf)"[^>]*?value="([^"]*)"', answer.text, re.DOTALL)
        form: dict[str, list[str]] = {}
        for name, value in fields:
            form.setdefault(name, []).append(html.unescape(value))
        answer = browser.post(str(answer.url), data=form)
    return answer.text


def test_a_teacher_opens_a_server_only_by_invitation(
    hub: RunningHub, log_in: LogIn, visit: Callable[[str], str]
) -> None:
    pia, tess = log_in("pia"), log_in("tess")
    start_server(pia, "pia")
    assert "hello tess" not in visit("tess")
    # Asking for help opens nothing yet.
    assert post(pia, "school/help", action="call").status_code == 303
    assert "Asks for help" in page(tess)
    assert "hello tess" not in visit("tess")
    assert post(pia, "school/help", action="invite").status_code == 303
    assert "they can open your server" in page(pia)
    wait_until(lambda: "hello tess" in visit("tess"), seconds=30, what="the teacher gets in")
    # Nobody else.
    for name in ("paul", "thor", "olga", "ada"):
        assert f"hello {name}" not in visit(name)
    # The invitation opens this one server and gives no other right.
    answer = tess.api("DELETE", "/users/pia/server")
    assert answer.status_code in (403, 404)
    assert post(pia, "school/help", action="end").status_code == 303
    wait_until(lambda: "hello tess" not in visit("tess"), seconds=30, what="the teacher is out")
    assert "Asks for help" not in page(tess)


def test_an_invitation_ends_by_itself(
    hub: RunningHub, log_in: LogIn, visit: Callable[[str], str]
) -> None:
    pia = log_in("pia")
    start_server(pia, "pia")
    post(pia, "school/help", action="invite")
    wait_until(lambda: "hello tess" in visit("tess"), seconds=30, what="the teacher gets in")
    with closing(sqlite3.connect(hub.state.database, timeout=30)) as database, database:
        (left,) = database.execute(
            "SELECT (julianday(expires_at) - julianday('now')) * 1440 FROM shares"
        ).fetchone()
        assert 55 < left <= 60
        database.execute("UPDATE shares SET expires_at = datetime('now', '-1 second')")
    wait_until(lambda: "hello tess" not in visit("tess"), seconds=60, what="the teacher is out")
    with closing(sqlite3.connect(hub.state.database, timeout=30)) as database:
        assert database.execute("SELECT count(*) FROM shares").fetchone() == (0,)
    post(pia, "school/help", action="end")


@pytest.mark.parametrize("who", ["tess", "thor", "olga", "solo", "ada"])
@pytest.mark.parametrize("action", ["call", "invite", "end"])
def test_nobody_invites_in_the_name_of_others(log_in: LogIn, who: str, action: str) -> None:
    answer = post(log_in(who), "school/help", action=action, user="pia")
    assert answer.status_code == 403


def test_forged_and_wrong_requests_for_help_are_refused(log_in: LogIn) -> None:
    pia = log_in("pia")
    assert pia.post("/hub/workshops/school/help", data={"action": "invite"}).status_code == 403
    for action in ("", "INVITE", "invite "):
        answer = post(pia, "school/help", action=action)
        assert answer.status_code in (303, 400)
    post(pia, "school/help", action="end")


def test_a_teacher_closes_a_call(log_in: LogIn, visit: Callable[[str], str]) -> None:
    pia, tess = log_in("pia"), log_in("tess")
    start_server(pia, "pia")
    post(pia, "school/help", action="invite")
    assert post(tess, "school/help/done", user="pia").status_code == 303
    assert "Asks for help" not in page(tess)
    wait_until(lambda: "hello tess" not in visit("tess"), seconds=30, what="the teacher is out")


def news(server: httpx.Client, **report: object) -> dict[str, Any]:
    (workshop,) = server.post("/workshops", json=report).json()["workshops"]
    found: dict[str, Any] = workshop
    return found


def test_progress_is_shown_only_after_the_participant_agreed(
    log_in: LogIn, server_of: ServerOf
) -> None:
    tess = log_in("tess")
    place = {"path": "tutorials/<b>01</b>.ipynb", "cell": 7}
    shown = html.escape("tutorials/<b>01</b>.ipynb") + ", cell 7"
    with server_of("pia") as server:
        assert news(server, place=place, agreed={"school": True})["progress"] == "not-asked"
        assert shown not in page(tess)
        post(tess, "school/progress", wanted="yes")
        assert news(server, place=place)["progress"] == "asked"
        assert shown not in page(tess)
        assert news(server, agreed={"school": False}, place=place)["progress"] == "declined"
        assert shown not in page(tess)
        assert news(server, agreed={"school": True, "other": True})["progress"] == "agreed"
        news(server, place=place)
        assert shown in page(tess)
        # What is outside the two folders is not kept, nor is nonsense.
        for path in (
            "private/diary.ipynb",
            "tutorials/../x",
            "",
            "tutorials/" + "x" * 400,
            5,
            None,
        ):
            news(server, place={"path": path, "cell": 8})
        news(server, place=[])
        assert shown in page(tess)
        # The participant stops it on the page; everything known is gone.
        assert post(log_in("pia"), "school/agreement", agreed="no").status_code == 303
        news(server, place=place)
        assert shown not in page(tess)
        post(log_in("pia"), "school/agreement", agreed="yes")
        news(server, place=place)
        assert shown in page(tess)
        post(tess, "school/progress", wanted="no")
        assert shown not in page(tess)
        assert news(server, place=place)["progress"] == "not-asked"


@pytest.mark.parametrize(
    ("path", "fields", "who"),
    [
        ("progress", {"wanted": "yes"}, ["pia", "thor", "solo"]),
        ("help/done", {"user": "pia"}, ["pia", "thor", "solo"]),
        ("agreement", {"agreed": "yes", "user": "pia"}, ["tess", "thor", "solo"]),
    ],
)
def test_everybody_decides_for_themselves_only(
    log_in: LogIn, path: str, fields: dict[str, str], who: list[str]
) -> None:
    for name in who:
        assert post(log_in(name), f"school/{path}", **fields).status_code == 403
