"""With one host name: tokens and other users' data need a password entered just now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from km3hub.origins.fresh import MAX_AGE
from tests.hub.conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.hub.conftest import StartHub
    from tests.hub.running import RunningHub

#: A clock of the hub that the tests put forward.
CLOCK = """
import pathlib, time, types
import km3hub.origins.fresh
forward = pathlib.Path({file!r})
km3hub.origins.fresh.time = types.SimpleNamespace(
    monotonic=lambda: time.monotonic() + float(forward.read_text())
)
"""


@pytest.fixture(scope="module")
def forward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the seconds by which the hub's clock is ahead."""
    file = tmp_path_factory.mktemp("clock") / "forward"
    file.write_text("0")
    return file


@pytest.fixture(scope="module")
def shared(start_hub: StartHub, forward: Path) -> RunningHub:
    return start_hub(
        settings="site: {user_origins: shared}", config=CLOCK.format(file=str(forward))
    )


@pytest.fixture
def age(forward: Path) -> Callable[[], None]:
    """A function that makes every login until now too old."""

    def put_forward() -> None:
        forward.write_text(str(float(forward.read_text()) + MAX_AGE + 1))

    return put_forward


def test_a_fresh_login_is_enough(shared: RunningHub) -> None:
    with shared.client() as client:
        client.login("root", PASSWORD)
        assert client.get("/hub/token").status_code == 200
        assert client.get("/hub/admin").status_code == 200
        assert client.api("POST", "/users/root/tokens", json={}).status_code == 201


def test_an_old_login_is_asked_again_and_goes_on(
    shared: RunningHub, age: Callable[[], None]
) -> None:
    with shared.client() as client:
        client.login("root", PASSWORD)
        age()
        for path in ("token", "admin", "admin/x", "sessions", "token?a=b"):
            asked = client.get(f"/hub/{path}")
            assert asked.status_code == 302, path
            assert asked.headers["Location"].startswith("/hub/login?next=%2Fhub%2F")
        form = client.get(asked.headers["Location"])
        assert "confirm that it is you" in form.text
        assert 'value="root"' in form.text
        # Nothing else is asked for.
        assert client.get("/hub/home").status_code == 200
        wrong = {"username": "root", "password": "wrong", "_xsrf": client.xsrf()}
        client.post("/hub/login?next=/hub/token", data=wrong)
        assert client.get("/hub/token").status_code == 302
        right = {"username": "root", "password": PASSWORD, "_xsrf": client.xsrf()}
        answer = client.post("/hub/login?next=/hub/token", data=right)
        assert answer.headers["Location"] == "/hub/token"
        assert client.get("/hub/token").status_code == 200


def test_with_an_old_login_the_api_changes_nothing_but_the_own_server(
    shared: RunningHub, age: Callable[[], None]
) -> None:
    with shared.client() as client:
        client.login("root", PASSWORD)
        age()
        client.get("/hub/home")
        for method, path in (
            ("POST", "/users/root/tokens"), ("DELETE", "/users/ada"), ("POST", "/users/mallory"),
            ("PATCH", "/users/ada"), ("POST", "/groups/x"), ("POST", "/shutdown"),
            ("POST", "/users/ada/server"), ("DELETE", "/users/root/tokens/1"),
            ("POST", "/users/root/serverx"),
        ):  # fmt: skip
            refused = client.api(method, path, json={})
            assert refused.status_code == 403, path
            assert "less than five minutes old" in refused.json()["message"]
        assert client.api("POST", "/users/root/server").status_code in (201, 202)
        assert client.api("DELETE", "/users/root/server").status_code in (202, 204)


def test_tokens_are_not_logins_and_need_none(shared: RunningHub, age: Callable[[], None]) -> None:
    with shared.client() as client:
        client.login("root", PASSWORD)
        client.get("/hub/home")
        token = client.api("POST", "/users/root/tokens", json={}).json()["token"]
        age()
    with shared.client(headers={"Authorization": f"token {token}"}) as program:
        assert program.post("/hub/api/users/root/tokens", json={}).status_code == 201


def test_the_login_of_one_person_is_not_anothers(
    shared: RunningHub, age: Callable[[], None]
) -> None:
    with shared.client() as client:
        client.login("root", PASSWORD)
        age()
        with shared.client() as other:
            other.login("root", PASSWORD)
        assert client.get("/hub/token").status_code == 302
