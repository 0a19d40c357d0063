"""What the teachers of a workshop see and do, and that nobody else does."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from km3hub.teaching.groups import attended, taught
from tests.hub.running import Client, RunningHub
from tests.hub.teaching.conftest import alert, page, post, start_server
from tests.waiting import wait_until

LogIn = Callable[[str], Client]
ServerOf = Callable[[str], httpx.Client]
EVIL = "<script>alert(1)</script> <img src=x onerror=alert(2)> {{7*7}}"


def news(server: httpx.Client, **report: object) -> dict[str, list[dict[str, object]]]:
    """What the hub tells the server of a participant about its only workshop."""
    answer = server.post("/workshops", json=report)
    assert answer.status_code == 200, answer.text
    (workshop,) = answer.json()["workshops"]
    return workshop


def test_a_participants_group_never_makes_teachers() -> None:
    # The participants of a workshop `school-teachers` must not be the teachers of `school`.
    assert taught(["workshop-school-teachers"]) == ["school"]
    assert attended(["workshop-school-teachers"]) == []
    assert taught(["workshop-school", "workshop--teachers", "workshop-a/b-teachers"]) == []
    assert attended(["workshop-", "workshop-../x", "workshop-A", "workshop-a" * 20]) == []
    assert taught(["workshop-x-teachers-teachers"]) == []


def test_a_teacher_sees_every_participant_and_nobody_else(log_in: LogIn) -> None:
    text = page(log_in("tess"))
    rows = re.findall(r'<th scope="row">\s*(\S+)\s*</th>', text)
    # Both have accounts, and have never logged in.
    assert rows == ["paul", "pia"]
    assert text.count("Not logged in yet") == 2
    assert "olga" not in text
    assert "solo" not in text


def test_the_page_follows_servers_and_their_memory(log_in: LogIn, server_of: ServerOf) -> None:
    with server_of("pia") as server:
        news(server, memory={"used": 3 << 29, "limit": 2 << 30})
        text = page(log_in("tess"))
        assert "Running" in text
        assert "1.5 GB of 2.0 GB" in text
        # Nonsense from a participant's server does no harm.
        for nonsense in (
            {"used": "x", "limit": []},
            {"used": -1, "limit": 0},
            {"used": 1e300, "limit": 1e-300},
            {"used": True},
            [],
            None,
        ):
            assert server.post("/workshops", json={"memory": nonsense}).status_code == 200
            assert page(log_in("tess"))
    for body in ("[]", "1", "x", '{"memory": NaN'):
        assert server_error_free(log_in, body)


def server_error_free(log_in: LogIn, body: str) -> bool:
    """Whether a malformed report, here without any right, is refused without a server error."""
    return log_in("pia").post("/hub/api/workshops", content=body).status_code in (400, 403)


def test_messages_arrive_at_once_and_stay_until_they_are_dismissed(
    log_in: LogIn, server_of: ServerOf
) -> None:
    teacher = log_in("tess")
    with server_of("pia") as server:
        version = server.post("/workshops", json={}).json()["version"]
        answers: list[httpx.Response] = []

        def wait() -> None:
            answers.append(server.post("/workshops", json={"version": version, "hold": 60}))

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert post(teacher, "school/messages", text=EVIL, to="").status_code == 303
        waiting.join(30)
        assert not waiting.is_alive()
        (message,) = answers[0].json()["workshops"][0]["messages"]
        assert message["text"] == EVIL
        assert message["sender"] == "tess"
        text = page(teacher)
        assert html.escape(EVIL, quote=False) in text.replace("&#34;", '"')
        assert "<script>alert" not in text
        assert len(news(server)["messages"]) == 1
        news(server, read=[message["id"]])
        assert news(server)["messages"] == []
        assert "dismissed by 1" in page(teacher)


def test_a_message_to_one_is_for_that_one(log_in: LogIn, server_of: ServerOf) -> None:
    with server_of("pia") as pia, server_of("paul") as paul:
        post(log_in("tess"), "school/messages", text="only for paul", to="paul")
        (message,) = [m for m in news(paul)["messages"] if m["text"] == "only for paul"]
        assert all(m["text"] != "only for paul" for m in news(pia)["messages"])
        # Somebody else cannot dismiss it.
        news(pia, read=[message["id"]])
        assert message in news(paul)["messages"]
        taken = post(log_in("tess"), "school/messages/take-back", message=str(message["id"]))
        assert taken.status_code == 303
        assert message not in news(paul)["messages"]


def test_a_waiting_server_is_answered_when_its_time_is_up(server_of: ServerOf) -> None:
    with server_of("pia") as server:
        version = server.post("/workshops", json={}).json()["version"]
        start = time.monotonic()
        answer = server.post("/workshops", json={"version": version, "hold": 1}).json()
        assert time.monotonic() - start >= 1
        assert answer["version"] == version
        # Nothing waits longer than a minute, whatever is asked for; nonsense does not wait.
        for hold in (-5, "60", None, [], {}):
            assert server.post("/workshops", json={"version": version, "hold": hold}).is_success


@pytest.mark.parametrize(
    ("text", "to", "status", "sentence"),
    [
        ("", "", 400, "The message is empty"),
        (" \r\n\t\x00", "", 400, "The message is empty"),
        ("x" * 1001, "", 400, "at most 1000"),
        ("hello", "nobody", 404, "No participant of this workshop is named 'nobody'"),
        ("hello", "olga", 404, "No participant"),
        ("hello", "../pia", 404, "No participant"),
        ("hello", "<b>" * 100, 404, "No participant"),
    ],
)
def test_messages_that_cannot_be_sent_are_refused_with_the_reason(
    log_in: LogIn, text: str, to: str, status: int, sentence: str
) -> None:
    answer = post(log_in("tess"), "school/messages", text=text, to=to)
    assert answer.status_code == status
    assert sentence in html.unescape(alert(answer.text))
    assert "Traceback" not in answer.text


def test_a_teacher_starts_restarts_and_stops_a_server(log_in: LogIn, hub: RunningHub) -> None:
    teacher, pia = log_in("tess"), log_in("pia")
    start_server(pia, "pia")

    def model() -> dict[str, object]:
        server: dict[str, object] = pia.api("GET", "/users/pia").json()["servers"].get("", {})
        return server

    first = model()["started"]
    assert post(teacher, "school/servers", user="pia", action="restart").status_code == 303
    wait_until(
        lambda: model().get("ready") and model()["started"] != first,
        seconds=60,
        what="the server has been restarted",
    )
    assert post(teacher, "school/servers", user="pia", action="stop").status_code == 303
    wait_until(lambda: not model(), seconds=60, what="the server has stopped")
    assert post(teacher, "school/servers", user="pia", action="start").status_code == 303
    wait_until(lambda: model().get("ready"), seconds=60, what="the server is running")
    again = post(teacher, "school/servers", user="pia", action="start")
    assert again.status_code == 409
    assert "running already" in again.text
    assert "tess: restart of the server of pia" in hub.log


@pytest.mark.parametrize("action", ["", "erase", "Start", "../stop"])
def test_other_actions_do_not_exist(log_in: LogIn, action: str) -> None:
    assert post(log_in("tess"), "school/servers", user="pia", action=action).status_code == 400


@pytest.mark.parametrize("user", ["olga", "root", "tess", "solo", "", "pia\x00", "PIA/../olga"])
def test_a_teacher_has_no_power_over_people_of_no_workshop_of_theirs(
    log_in: LogIn, user: str
) -> None:
    answer = post(log_in("tess"), "school/servers", user=user, action="restart")
    assert answer.status_code == 404


ATTACKS = [
    ("school", {}),
    ("school/messages", {"text": "pwned", "to": ""}),
    ("school/messages/take-back", {"message": "1"}),
    ("school/servers", {"user": "pia", "action": "stop"}),
]


@pytest.mark.parametrize(("path", "fields"), ATTACKS[1:])
@pytest.mark.parametrize("who", ["pia", "thor", "olga", "solo", "ada"])
def test_nobody_else_acts_as_a_teacher(
    log_in: LogIn, who: str, path: str, fields: dict[str, str]
) -> None:
    assert post(log_in(who), path, **fields).status_code == 403
    # Nor with another method, a trailing slash or another spelling of the path.
    browser = log_in(who)
    for other in (f"{path}/", path.replace("school", "School"), path.replace("/", "//", 1)):
        assert post(browser, other, **fields).status_code in (403, 404, 405)


@pytest.mark.parametrize("who", ["thor", "olga", "solo", "ada"])
def test_nobody_else_sees_the_page(log_in: LogIn, who: str) -> None:
    answer = log_in(who).get("/hub/workshops/school")
    assert answer.status_code == 403
    assert "pia" not in answer.text
    # The answer for a workshop that does not exist is the same.
    nothing = log_in(who).get("/hub/workshops/none")
    assert nothing.status_code == 403


def test_a_participant_sees_a_page_of_their_own_and_no_other_names(log_in: LogIn) -> None:
    text = page(log_in("pia"))
    assert "paul" not in text
    assert "<form" not in text or "/messages" not in text


@pytest.mark.parametrize(("path", "fields"), ATTACKS[1:])
def test_forged_forms_are_refused(log_in: LogIn, path: str, fields: dict[str, str]) -> None:
    teacher = log_in("tess")
    for token in ({}, {"_xsrf": "forged"}, {"_xsrf": log_in("pia").xsrf()}):
        answer = teacher.post(f"/hub/workshops/{path}", data={**fields, **token})
        assert answer.status_code == 403


@pytest.mark.parametrize(("path", "fields"), ATTACKS[1:])
def test_no_token_opens_the_forms(
    hub: RunningHub, log_in: LogIn, path: str, fields: dict[str, str]
) -> None:
    made = log_in("tess").api("POST", "/users/tess/tokens", json={}).json()["token"]
    headers = {"Authorization": f"token {made}"}
    for request in (
        httpx.post(f"{hub.url}/hub/workshops/{path}", data=fields, headers=headers),
        httpx.get(f"{hub.url}/hub/workshops/school", headers=headers),
    ):
        assert request.status_code in (302, 403)
        assert "pia" not in request.text


def test_a_teacher_who_is_no_longer_one_is_refused_at_once(hub: RunningHub, password: str) -> None:
    hub.accounts.add("temp", password, groups=("workshop-school-teachers",))
    with hub.client() as browser:
        browser.login("temp", password)
        assert browser.get("/hub/workshops/school").status_code == 200
        hub.accounts.change("temp", groups=())
        assert browser.get("/hub/workshops/school").status_code == 403
        form = {"text": "still here", "to": "", "_xsrf": browser.xsrf()}
        assert browser.post("/hub/workshops/school/messages", data=form).status_code == 403
        hub.accounts.change("temp", groups=("workshop-school-teachers",))
        hub.accounts.remove("temp")
        assert browser.get("/hub/workshops/school").status_code in (302, 403)


def test_only_a_participants_own_server_reports(
    hub: RunningHub, log_in: LogIn, server_of: ServerOf
) -> None:
    # A person's token, also one with all their rights, is not their server's.
    made = log_in("pia").api("POST", "/users/pia/tokens", json={}).json()["token"]
    for headers in ({}, {"Authorization": f"token {made}"}, {"Authorization": "token x"}):
        answer = httpx.post(f"{hub.url}/hub/api/workshops", json={}, headers=headers)
        assert answer.status_code == 403 or made in str(headers)
    with server_of("solo") as server:
        answer = server.post("/workshops", json={"read": [1], "hold": 60}).json()
        assert answer["workshops"] == []
        assert answer["again"] >= 60
