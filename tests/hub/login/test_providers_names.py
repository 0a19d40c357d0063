"""People of a provider: one who comes back, and one who gets another person's name."""

from __future__ import annotations

import httpx
import pytest

from tests.hub.login.conftest import Site, StartSite
from tests.hub.login.iam.people import person, start_server
from tests.hub.login.test_ended_access import opens, stolen, uses
from tests.hub.running import Client
from tests.oidc.running import log_in
from tests.waiting import wait_until

ENVIRONMENTS = [{"name": "open", "title": "Open", "image": "i"}]


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    names = ("leaver", "grace", "lise")
    people = {name: person(name, "/escape") for name in names}
    oidc = {
        "provider": "escape-iam",
        "allowed_groups": ["/escape"],
        "admin_groups": ["/escape/admins"],
    }
    return start_site("iam", people, oidc, {"environments": ENVIRONMENTS})


def token(browser: Client, name: str) -> dict[str, str]:
    answer = browser.api("POST", f"/users/{name}/tokens", json={"note": "mine"})
    return {"Authorization": f"token {answer.json()['token']}"}


def test_what_ended_at_the_provider_does_not_come_back_with_the_next_login(site: Site) -> None:
    hub = site.hub
    with hub.client() as owner, hub.client() as again:
        log_in(owner, "leaver")
        mine = token(owner, "leaver")
        with stolen(hub, owner) as thief:
            assert opens(thief)
            site.provider.set_person("leaver", person("leaver", "/other"))
            assert not opens(thief)
            assert not uses(hub, mine)
            site.provider.set_person("leaver", person("leaver", "/escape"))
            assert log_in(again, "leaver").status_code == 200
            assert opens(again)
            assert not opens(thief)
            assert not uses(hub, mine)


def test_an_administrator_ends_the_sessions_of_a_providers_user(site: Site) -> None:
    hub = site.hub
    with hub.client() as owner:
        log_in(owner, "lise")
        assert start_server(owner, "lise").status_code in (201, 202)
        mine = token(owner, "lise")
        hub.accounts.access.end("lise")
        assert not opens(owner)
        assert not uses(hub, mine)
        log_in(owner, "lise")
        assert opens(owner)
        wait_until(
            lambda: not owner.api("GET", "/users/lise").json()["servers"],
            seconds=60,
            what="the server is stopped",
        )


def test_a_freed_name_goes_to_another_person_with_nothing_of_the_first(site: Site) -> None:
    hub, provider = site.hub, site.provider
    homes = hub.state.homes
    with hub.client() as first, hub.client() as second, hub.client() as third:
        log_in(first, "grace")
        assert start_server(first, "grace").status_code in (201, 202)
        first.get("/user/grace/", params={"note": "private"}, follow_redirects=True)
        mine = token(first, "grace")
        assert (homes / "grace" / "notes.txt").read_text() == "private\n"

        # Another account at the provider, which now has that name.
        provider.set_person("newcomer", person("grace", "/escape"))
        assert log_in(second, "newcomer").status_code == 403
        hub.accounts.access.release("grace")
        assert not opens(first)
        assert not uses(hub, mine)
        assert log_in(second, "newcomer").status_code == 200
        user = second.api("GET", "/users/grace").json()
        assert not user["servers"]
        tokens = second.api("GET", "/users/grace/tokens").json()["api_tokens"]
        assert [t for t in tokens if t["note"] == "mine"] == []
        assert start_server(second, "grace").status_code in (201, 202)
        second.get("/user/grace/", params={"note": "new"}, follow_redirects=True)
        assert (homes / "grace.2" / "notes.txt").read_text() == "new\n"
        assert (homes / "grace" / "notes.txt").read_text() == "private\n"

        # The first person does not get in any more.
        assert log_in(third, "grace").status_code == 403
        assert httpx.get(f"{hub.url}/hub/api/user", headers=mine, timeout=60).status_code == 403


def test_a_name_stays_a_persons_when_the_hubs_record_is_deleted(site: Site) -> None:
    hub, provider = site.hub, site.provider
    provider.set_person("boss", person("boss", "/escape", "/escape/admins"))
    provider.set_person("one", person("shared", "/escape"))
    provider.set_person("two", person("shared", "/escape"))
    with hub.client() as one, hub.client() as two, hub.client() as boss:
        assert log_in(one, "one").status_code == 200
        log_in(boss, "boss")
        assert boss.api("DELETE", "/users/shared").status_code == 204
        assert log_in(two, "two").status_code == 403
        assert log_in(one, "one").status_code == 200


@pytest.mark.parametrize("after", ["%0d%0aSet-Cookie:x=y", "a%7fb", "a%00b"])
def test_an_address_that_no_header_can_hold_is_ignored(site: Site, after: str) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "leaver", f"/hub/oauth_login?next=/hub/{after}")
        # The page itself does not exist.
        assert page.status_code in (200, 404)
        assert browser.get(f"/hub/login?next=/hub/{after}").status_code == 302
