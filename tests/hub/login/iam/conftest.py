"""A hub whose users log in with a provider shaped as ESCAPE IAM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.login.conftest import Site, StartSite, sites
from tests.hub.login.iam.people import PEOPLE, start_server
from tests.hub.running import Client
from tests.oidc.running import log_in

ENVIRONMENTS = [
    {"name": "open", "title": "Open", "image": "i"},
    {"name": "closed", "title": "Closed", "image": "i", "groups": ["/escape/km3net"]},
    {"name": "stack", "title": "Stack", "image": "i"},
]


@pytest.fixture(scope="session")
def start_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    """As in the folder above, but one hub serves all modules of this folder."""
    yield from sites(tmp_path_factory)


@pytest.fixture(scope="session")
def site(start_site: StartSite) -> Site:
    oidc = {
        "provider": "escape-iam",
        "allowed_groups": ["/escape"],
        "admin_groups": ["/escape/admins"],
        "token_exchange": {"audience": "rucio"},
        "check_account": "site-check",
    }
    return start_site("iam", PEOPLE, oidc, {"environments": ENVIRONMENTS})


@pytest.fixture(scope="session")
def ada(site: Site) -> Iterator[Client]:
    """A browser in which ada is logged in and has a server."""
    with site.hub.client() as browser:
        log_in(browser, "ada")
        assert start_server(browser, "ada", environment="closed").status_code in (201, 202)
        yield browser
