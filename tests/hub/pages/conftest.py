"""A real hub behind the real proxy, and a real browser in front of it."""

from pathlib import Path

import httpx
import pytest
import yaml

from tests.hub.running import RunningHub, node, proxy_folder

SERVERS = Path(__file__).with_name("servers.py")
PLATFORM = {
    "site": {"name": "Test platform", "contact": "help@example.org"},
    "workshop": {"title": "Summer school <1>"},
    "environments": [
        {"name": "works", "title": "KM3NeT stack", "description": "Read events.", "image": "i"},
        {"name": "slow", "title": "Slow one", "image": "i"},
        {"name": "dies", "title": "Dying one", "image": "i"},
        {"name": "full", "title": "Full one", "image": "i"},
        {"name": "late", "title": "Late one", "image": "i"},
        {"name": "closed", "title": "Closed one", "image": "i", "groups": ["staff"]},
    ],
}


class PagesHub(RunningHub):
    """A running hub whose banner can be changed and whose API can be asked."""

    def set_banner(self, text: str, level: str = "info") -> None:
        """Change the banner as an administrator does, in the file."""
        site = {**PLATFORM["site"], "banner": {"text": text, "level": level}}
        new = self.settings_file.with_suffix(".new")
        new.write_text(yaml.safe_dump({**PLATFORM, "site": site}))
        new.replace(self.settings_file)

    def api(self) -> httpx.Client:
        """The hub's API with the token of the service `tester`, see servers.py."""
        return httpx.Client(
            base_url=f"{self.url}/hub/api",
            headers={"Authorization": "token 0123456789abcdef0123456789abcdef"},
            timeout=30,
        )


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """One hub for all tests of the pages."""
    if node() is None:
        pytest.skip("needs node >= 20 on the PATH (or named by KM3_NODE)")
    if proxy_folder() is None:
        pytest.skip("needs configurable-http-proxy in .platform/proxy; run: make test")
    hub = PagesHub(
        tmp_path_factory.mktemp("pages"),
        settings=yaml.safe_dump(PLATFORM),
        config=SERVERS.read_text(),
    )
    (hub.folder / "homes").mkdir()
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@pytest.fixture
def account(hub, password):
    """A function that makes sure of an account; `admin` is an administrator."""

    def account(name: str) -> None:
        if name not in hub.accounts.all():
            hub.accounts.add(name, password, admin=name == "admin")

    return account


@pytest.fixture
def scheme(request):
    """The colour scheme that the browser prefers: light, or what a test is parametrized with."""
    return getattr(request, "param", "light")


@pytest.fixture
def page(chromium, scheme, hub):
    """A page of a separate browser without a login, 1280 pixels wide."""
    context = chromium.new_context(
        base_url=hub.url,
        viewport={"width": 1280, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(90_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def log_in(page, account, password):
    """Log in as a user; the page then shows the choice."""

    def log_in(name: str) -> None:
        account(name)
        page.goto("/hub/login")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Start your server").wait_for()

    return log_in
