"""The web server learns for which host names it may obtain certificates; nobody else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from km3settings.origins import CHECK_LABEL, host_label
from tests.hub.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.hub.conftest import StartHub
    from tests.hub.running import RunningHub

ODD = "ada--b"


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    hub = start_hub()
    hub.accounts.add(ODD, PASSWORD)
    for name in ("ada", ODD):
        with hub.client() as client:
            assert client.login(name, PASSWORD).status_code == 302
    return hub


def status(hub: RunningHub, domain: str, **headers: str) -> int:
    with hub.client() as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.get("/hub/host-name", params={"domain": domain}, headers=named)
        assert answer.text == ""
        return answer.status_code


@pytest.mark.parametrize(
    "domain",
    ["ada.localhost", "ADA.localhost", "ada.localhost.", f"{host_label(ODD)}.localhost",
     f"{CHECK_LABEL}.localhost"],
)  # fmt: skip
def test_users_have_host_names(hub: RunningHub, domain: str) -> None:
    assert status(hub, domain) == 200


@pytest.mark.parametrize(
    "domain",
    ["", "localhost", "nobody.localhost", "x.ada.localhost", "ada.example.org", f"{ODD}.localhost",
     f"u-adab--{'0' * 32}.localhost", "ada", ".localhost", "*.localhost", "ada'--.localhost"],
)  # fmt: skip
def test_nobody_else_has_one(hub: RunningHub, domain: str) -> None:
    assert status(hub, domain) == 404


@pytest.mark.parametrize("seen", ["192.0.2.7", "127.0.0.1", "192.0.2.7, 127.0.0.1"])
def test_clients_behind_the_web_server_get_no_names(hub: RunningHub, seen: str) -> None:
    assert status(hub, "ada.localhost", X_Forwarded_For=seen) == 404
