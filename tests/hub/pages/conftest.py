"""A real hub behind the real proxy, and a real browser in front of it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from km3hub.configure.network import PROXY_SCRIPT
from km3hub.up.checkout import checkout_root
from km3hub.up.failure import Failure
from km3hub.up.node import NodePackages

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PLATFORM = {
    "site": {"name": "Test platform", "contact": "help@example.org"},
    "workshop": {"title": "Summer school <1>"},
    "environments": [
        {"name": "works", "title": "KM3NeT stack", "description": "Read events.", "image": "i"},
        {"name": "slow", "title": "Slow one", "image": "i"},
        {"name": "dies", "title": "Dying one", "image": "i"},
        {"name": "closed", "title": "Closed one", "image": "i", "groups": ["staff"]},
    ],
}


@dataclass(frozen=True)
class Hub:
    """A running hub: its address, its settings file and its log."""

    address: str
    settings: Path
    log: Path

    def set_banner(self, text: str, level: str = "info") -> None:
        """Change the banner as an administrator does, in the file."""
        content = {**PLATFORM, "site": {**PLATFORM["site"], "banner": {"text": text, "level": level}}}
        new = self.settings.with_suffix(".new")
        new.write_text(yaml.safe_dump(content))
        new.replace(self.settings)

    def api(self) -> httpx.Client:
        """The hub's API with the token of the service `tester`."""
        return httpx.Client(
            base_url=f"{self.address}/hub/api",
            headers={"Authorization": "token 0123456789abcdef0123456789abcdef"},
            timeout=30,
        )


def free_ports() -> int:
    """The first of three ports in a row that nobody uses."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                for other in (port + 1, port + 2):
                    with socket.socket() as s:
                        s.bind(("127.0.0.1", other))
            except (OSError, OverflowError):
                continue
            return port
    raise RuntimeError("no three free ports in a row")


def wait_for(condition, seconds, what):
    """Wait until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """The hub of `hub_config.py`."""
    root = checkout_root()
    proxy = Path(os.environ.get("KM3_PROXY_FOLDER", root / ".platform" / "proxy"))
    try:
        node = NodePackages(root=root, folder=proxy).node()
    except Failure as failure:
        pytest.skip(str(failure))
    if not (proxy / PROXY_SCRIPT).exists():
        pytest.skip("the proxy is not installed; run: make test")
    folder = tmp_path_factory.mktemp("hub")
    state = folder / "state"
    (state / "homes" / "x").mkdir(parents=True)
    (state / "proxy").symlink_to(proxy)
    port = free_ports()
    hub = Hub(f"http://127.0.0.1:{port}", folder / "platform.yaml", folder / "hub.log")
    hub.set_banner("")
    environment = os.environ | {
        "KM3_PLATFORM_FILE": str(hub.settings),
        "KM3_STATE": str(state),
        "KM3_MODE": "embedded",
        "KM3_PORT": str(port),
        "KM3_NODE": node,
    }
    command = [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "hub_config.py")]
    with hub.log.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )

    def ready() -> bool:
        if process.poll() is not None:
            pytest.fail(f"the hub ended: {hub.log.read_text()[-3000:]}")
        try:
            return httpx.get(f"{hub.address}/hub/login").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(ready, 60, "the hub did not come up")
        yield hub
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def chromium():
    """Chromium, driven by Playwright."""
    if not CHROMIUM:
        pytest.skip("Chromium is missing; run: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    switches = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"]
    switches += ["disable-background-networking", "disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[f"--{switch}" for switch in switches]
        )
        yield browser
        browser.close()


@pytest.fixture
def scheme(request):
    """The colour scheme that the browser prefers: light, or what a test is parametrized with."""
    return getattr(request, "param", "light")


@pytest.fixture
def page(chromium, scheme, hub):
    """A page of a browser of its own, nobody logged in, 1280 pixels wide."""
    context = chromium.new_context(
        base_url=hub.address,
        viewport={"width": 1280, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def eventually():
    """Wait for a condition; the banner is looked at every two seconds."""
    return lambda condition: wait_for(condition, 15, "it did not come true")


@pytest.fixture
def log_in(page):
    """Log in as somebody; the page then shows the choice."""

    def log_in(name: str) -> None:
        page.goto("/hub/login")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password", exact=True).fill("deep sea")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Start your server").wait_for()

    return log_in
