"""KM3_USER_ORIGINS=own: users' host names and the hub's never lead to each other's pages."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.proxy.conftest import Behind, Proxy

HUB = "http://localhost:8000"
ADA = "http://ada.localhost:8000"


@pytest.fixture(scope="module")
def ada(small: Callable[[str], Behind]) -> Behind:
    return small("ada")


@pytest.fixture(scope="module")
def proxy(start_proxy: Callable[..., Proxy], small: Callable[[str], Behind], ada: Behind) -> Proxy:
    proxy = start_proxy(small("hub").address, KM3_USER_ORIGINS="own", KM3_HUB_ORIGIN=HUB)
    proxy.route("/ada.localhost/user/ada", ada.address, user="ada")
    return proxy


def reached(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["server"])


@pytest.mark.parametrize(
    "host", ["ada.localhost", "ada.localhost:8000", "ADA.localhost", "ada.localhost."]
)
def test_a_users_host_leads_to_the_users_server(proxy: Proxy, host: str) -> None:
    assert reached(proxy.ask("/user/ada/lab", host)) == "ada"


@pytest.mark.parametrize("host", ["ada.localhost:8000", "ADA.localhost", "eve.localhost."])
@pytest.mark.parametrize(
    "path",
    ["/hub/login", "/", "/hub/api/users", "/user/bob/lab", "/user/ada/../../hub/login", "//hub/"],
)
def test_a_users_host_never_leads_to_the_hub(proxy: Proxy, host: str, path: str) -> None:
    answer = proxy.ask(path, host)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{HUB}/")
    assert proxy.ask(path, host, "POST").status_code == 421
    # Not with a token, either.
    assert proxy.ask(path, host, "POST", Authorization="token abc").status_code == 421


def test_lab_learns_that_its_server_has_stopped(proxy: Proxy) -> None:
    answer = proxy.ask("/user/eve/api/status", "eve.localhost", Sec_Fetch_Mode="cors")
    assert answer.status_code == 424


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "hub.example.org"])
def test_the_hubs_host_never_leads_a_browser_to_a_users_server(proxy: Proxy, host: str) -> None:
    answer = proxy.ask("/user/ada/lab?reset", host, Accept="text/html")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{ADA}/user/ada/lab?reset"
    assert proxy.ask("/user/ada/api/kernels", host, "POST", Cookie="a=b").status_code == 421


def test_programs_with_a_token_need_no_host_name(proxy: Proxy) -> None:
    answer = proxy.ask("/user/ada/api/kernels", "127.0.0.1:8000", "POST",
                       Authorization="token abc")  # fmt: skip
    assert reached(answer) == "ada"
    assert answer.json()["host"] == "127.0.0.1:8000"


def test_the_hubs_host_leads_to_the_hub(proxy: Proxy) -> None:
    assert reached(proxy.ask("/hub/login", "localhost:8000", Accept="text/html")) == "hub"
    # For programs of this machine, by any spelling.
    assert reached(proxy.ask("/hub/api/", "127.0.0.1:8000")) == "hub"
    # The hub answers for servers that are not running.
    assert reached(proxy.ask("/user/bob/lab", "localhost:8000", Accept="text/html")) == "hub"


def test_people_who_type_the_number_continue_at_the_name(proxy: Proxy) -> None:
    answer = proxy.ask("/hub/login?next=%2F", "127.0.0.1:8000", Accept="text/html,*/*")
    assert answer.headers["Location"] == f"{HUB}/hub/login?next=%2F"


def test_servers_cannot_clear_the_hubs_cookies(proxy: Proxy, ada: Behind) -> None:
    ada.extra[:] = [("Clear-Site-Data", '"cookies"'), ("X-Own", "kept")]
    answer = proxy.ask("/user/ada/lab", "ada.localhost")
    assert "clear-site-data" not in answer.headers
    assert answer.headers["X-Own"] == "kept"
    ada.extra.clear()


@pytest.mark.parametrize("path", ["/user/%ff", "/%"])
def test_an_address_that_cannot_be_read_is_refused(proxy: Proxy, path: str) -> None:
    assert proxy.ask(path, "ada.localhost").status_code == 400
