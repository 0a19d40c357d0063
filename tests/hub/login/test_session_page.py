"""`/hub/sessions`: what an administrator sees and ends, and that nobody else does."""

from __future__ import annotations

import html
import re

from tests.hub.login.test_closed_accounts import token_of
from tests.hub.running import Client, RunningHub


def forms(page: str) -> list[dict[str, str]]:
    """The hidden fields of each form of a page."""
    return [
        dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
    ]


def form_of(admin: Client, name: str, *, one: bool) -> dict[str, str]:
    page = admin.get("/hub/sessions").text
    return next(f for f in forms(page) if f["user"] == name and ("session" in f) == one)


def opens(browser: Client) -> bool:
    return browser.get("/hub/home").status_code == 200


def test_an_administrator_sees_and_ends_sessions(hub: RunningHub, password: str) -> None:
    hub.accounts.add("vera", password)
    agent = {"User-Agent": "<script>alert(1)</script>"}
    with hub.client() as admin, hub.client(headers=agent) as laptop, hub.client() as phone:
        admin.login("root", password)
        laptop.login("vera", password)
        page = admin.get("/hub/sessions").text
        assert html.escape(agent["User-Agent"], quote=False) in page
        assert agent["User-Agent"] not in page
        assert "(this browser)" in page
        done = admin.post("/hub/sessions", data=form_of(admin, "vera", one=True))
        assert done.status_code == 302
        assert not opens(laptop)
        phone.login("vera", password)
        token = token_of(phone, "vera")
        assert "Tokens made by the user: 1." in admin.get("/hub/sessions").text
        assert phone.get("/hub/api/user", headers=token).status_code == 200
        admin.post("/hub/sessions", data=form_of(admin, "vera", one=False))
        assert not opens(phone)
        assert opens(admin)
        log = [line for line in hub.log.splitlines() if "root ended" in line]
        assert len(log) == 2


def test_nobody_else_sees_or_ends_any(hub: RunningHub, password: str) -> None:
    with hub.client() as user, hub.client() as stranger:
        user.login("ada", password)
        assert user.get("/hub/sessions").status_code == 403
        form = {"user": "root", "_xsrf": user.xsrf()}
        assert user.post("/hub/sessions", data=form).status_code == 403
        assert stranger.get("/hub/sessions").status_code == 302
        assert stranger.post("/hub/sessions", data={"user": "root"}).status_code == 403
        assert "Sessions" not in user.get("/hub/home").text


def test_a_form_of_another_site_is_refused(hub: RunningHub, password: str) -> None:
    with hub.client() as admin:
        admin.login("root", password)
        assert admin.post("/hub/sessions", data={"user": "ada"}).status_code == 403
        form = {"user": "ada", "_xsrf": "forged"}
        assert admin.post("/hub/sessions", data=form).status_code == 403


def test_what_is_not_there_is_a_sentence(hub: RunningHub, password: str) -> None:
    with hub.client() as admin:
        admin.login("root", password)
        for data in (
            {"user": "nobody-here"},
            {"user": "ada", "session": "0" * 32},
            {"user": "../x"},
        ):
            answer = admin.post("/hub/sessions", data={**data, "_xsrf": admin.xsrf()})
            assert answer.status_code == 404
            assert "Traceback" not in answer.text
