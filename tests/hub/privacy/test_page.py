"""The privacy page says what is true with these settings, to everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from km3hub.privacy.kept import LOGIN_DAYS, kept
from km3settings.runtime import Runtime
from km3settings.settings import parse
from km3settings.state import State
from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub

QUICK = """
from km3hub.configure.privacy import configure_privacy
from km3hub.configure import privacy
privacy.GRACE = 0.1
configure_privacy(c, platform, runtime)
"""
SETTINGS = """
site: {name: Test platform, contact: help@example.org}
services: {opendata: {enabled: false, public_url: "https://data.example.org"}}
privacy: {log_days: 17, policy_url: "https://example.org/policy"}
"""


def rows(settings: str, **environment: str) -> str:
    runtime = Runtime.from_environment({"KM3_STATE": "/nowhere", **environment})
    found = kept(parse(yaml.safe_load(settings)), runtime)
    return "\n".join(f"{row.what}: {row.how_long}, {row.who}" for row in found)


def test_days_are_promised_only_where_something_deletes() -> None:
    text = "privacy: {log_days: 17}"
    assert "17 days" in rows(text)
    assert "17 days" in rows(text, KM3_MODE="docker", KM3_LOGS="journal")
    containers = rows(text, KM3_MODE="docker")
    assert "17 days" not in containers
    assert "the newest 30 MB of each service; there is no limit in time" in containers


def test_docker_keeps_as_much_as_the_page_says() -> None:
    root = Path(__file__).parents[3]
    compose = yaml.safe_load((root / "docker-compose.yml").read_text())
    options = compose["services"]["hub"]["logging"]["options"]
    assert int(options["max-size"].removesuffix("m")) * int(options["max-file"]) == 30
    spawner = (root / "platform/hub/src/km3hub/spawning/docker.py").read_text()
    assert '"config": {"max-size": "5m", "max-file": "2"}' in spawner


def test_the_login_lasts_as_long_as_the_page_says(tmp_path: Path) -> None:
    from traitlets.config import Config

    from km3hub.configure.login import configure_login

    c = Config()
    configure_login(c, parse({}), Runtime("embedded", 8000, "km3net", State(tmp_path)))
    assert c.JupyterHub.cookie_max_age_days == LOGIN_DAYS


@pytest.mark.parametrize(
    ("settings", "said", "unsaid"),
    [
        ("", "hash of your password", "from ESCAPE"),
        (
            "login: {method: oidc, oidc: {provider: escape-iam, client_id: i,"
            " client_secret_file: f, allow_all: true}}",
            "ESCAPE",
            "hash of your password",
        ),
        ("homes: {scratch: {size: 5G, purge_days: 9}}", "used them for 9 days", "scratch 30"),
        ("", "the files in your home", "scratch"),
        ("usage: {keep_months: 5}", "5 months", "13 months"),
        ("usage: {alert_hours: 0}", "the size of your home", "misused"),
        ("usage: {alert_hours: 3}", "more than 3 hours", "more than 2 hours"),
    ],
)
def test_it_follows_the_settings(settings: str, said: str, unsaid: str) -> None:
    text = rows(settings)
    assert said in text
    assert unsaid not in text


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    return start_hub(settings=SETTINGS, config=QUICK)


def test_nobody_needs_to_log_in(hub: RunningHub) -> None:
    with hub.client() as client:
        answer = client.get("/hub/privacy")
        assert answer.status_code == 200
        page = re.sub(r"\s+", " ", answer.text)
        assert "17 days" in page
        assert 'href="mailto:help@example.org"' in page
        assert 'href="https://example.org/policy"' in page
        assert 'href="https://data.example.org/privacy"' in page
        assert 'href="/hub/privacy"' in client.get("/hub/login").text


def test_a_running_hub_rotates_its_logs(hub: RunningHub) -> None:
    from tests.waiting import wait_until

    wait_until((hub.state.logs / ".rotated").exists, seconds=30, what="the logs were rotated")


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen(chromium: Any, hub: RunningHub, width: int) -> None:
    context = chromium.new_context(base_url=hub.url, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto("/hub/privacy")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
