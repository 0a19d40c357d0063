"""Which changes a running platform must be started again for."""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from km3settings.runtime import Runtime
from km3settings.settings import Settings, parse
from km3settings.state import State
from km3up.in_force import InForce

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = Runtime("embedded", 8000, "km3net", State(Path("state")))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The checkout's code, to be changed."""
    folder = tmp_path / "Größe mit Leerzeichen"
    own, proxy = folder / "platform", folder / "images" / "proxy"
    for name in ("hub", "lab", "opendata", "openkm3", "settings"):
        skipped = shutil.ignore_patterns("*.pyc", "demonstration")
        shutil.copytree(ROOT / "platform" / name / "src", own / name / "src", ignore=skipped)
    shutil.copytree(ROOT / "platform" / "locks", own / "locks")
    proxy.mkdir(parents=True)
    for name in ("package-lock.json", "origins.mjs"):
        shutil.copy(ROOT / "images" / "proxy" / name, proxy)
    return folder


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("platform/hub/src/km3hub/login/accounts.py", ["the hub's code"]),
        ("platform/hub/src/km3hub/pages/templates/login.html", ["the hub's code"]),
        ("platform/hub/src/km3hub/pages/static/frame.css", ["the hub's code"]),
        ("platform/hub/src/km3hub/added.py", ["the hub's code"]),
        ("platform/settings/src/km3settings/portal.py", ["the hub's code"]),
        ("platform/locks/hub.txt", ["the hub's code"]),
        ("platform/opendata/src/opendata/asgi.py", ["the portal's code"]),
        ("platform/openkm3/src/openkm3/cache.py", ["the portal's code"]),
        ("platform/locks/opendata.txt", ["the portal's code"]),
        ("images/proxy/package-lock.json", ["the proxy"]),
        ("images/proxy/origins.mjs", ["the proxy"]),
        # These are of users' servers, which go on with what they have.
        ("platform/lab/src/km3lab/start.py", []),
        ("platform/locks/lab.txt", []),
        ("platform/hub/src/km3hub/__pycache__/new.cpython-311.pyc", []),
    ],
)
def test_changed_code_is_seen_and_named(checkout: Path, file: str, said: list[str]) -> None:
    before = InForce.now(checkout, Settings(), RUNTIME)
    assert InForce.now(checkout, Settings(), RUNTIME).differs(before) == []
    path = checkout / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b"\n")
    assert InForce.now(checkout, Settings(), RUNTIME).differs(before) == said


def test_code_of_servers_is_known_to_have_changed(checkout: Path) -> None:
    before = InForce.now(checkout, Settings(), RUNTIME)
    (checkout / "platform/lab/src/km3lab/start.py").write_text("")
    assert InForce.now(checkout, Settings(), RUNTIME).servers != before.servers


def test_a_disabled_portal_is_not_updated(checkout: Path) -> None:
    off = parse({"services": {"opendata": {"enabled": False}}})
    before = InForce.now(checkout, off, RUNTIME)
    (checkout / "platform/opendata/src/opendata/asgi.py").write_text("")
    assert InForce.now(checkout, off, RUNTIME).differs(before) == []


@pytest.mark.parametrize("section", list(Settings.model_fields))
def test_every_section_of_the_settings_counts(checkout: Path, section: str) -> None:
    changed = {
        "site": ({"name": "Other"}, "site.name"),
        "login": ({"attempts": 9}, "login.attempts"),
        "environments": ([{"name": "stack", "title": "S", "image": "i"}], "environments"),
        "sizes": ([{"name": "s", "memory": "1G", "cpu": 1}], "sizes"),
        "homes": ({"quota": "3G"}, "homes.quota"),
        "culling": ({"max_age_hours": 3}, "culling.max_age_hours"),
        "workshop": ({"title": "Day"}, "workshop.title"),
        "services": ({"opendata": {"port": 9999}}, "services.opendata.port"),
        "spawner": ({"concurrent": 3}, "spawner.concurrent"),
        "usage": ({"period": "week"}, "usage.period"),
        "privacy": ({"log_days": 9}, "privacy.log_days"),
        "robots": ({"every": "6h"}, "robots.every"),
    }
    value, key = changed[section]
    before = InForce.now(checkout, Settings(), RUNTIME)
    assert InForce.now(checkout, parse({section: value}), RUNTIME).differs(before) == [key]


def test_the_banner_is_followed_without_a_restart(checkout: Path) -> None:
    before = InForce.now(checkout, Settings(), RUNTIME)
    shown = parse({"site": {"banner": {"text": "Maintenance"}}})
    assert InForce.now(checkout, shown, RUNTIME).differs(before) == []


def test_a_new_web_proxy_counts_and_a_missing_variable_does_not(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = InForce.now(checkout, Settings(), RUNTIME)
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    behind = InForce.now(checkout, Settings(), RUNTIME)
    assert "https_proxy" in behind.differs(plain)
    assert plain.differs(behind) == []


def test_stored_values_are_found_again_and_readable_by_their_owner_only(
    checkout: Path, tmp_path: Path
) -> None:
    state = State(tmp_path / "state")
    state.create()
    assert InForce.kept(state) is None
    now = InForce.now(checkout, Settings(), RUNTIME)
    now.keep(state)
    assert InForce.kept(state) == now
    file = state.run / "in-force.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for damaged in ("", "[]", "{}", '{"settings": 1}'):
        file.write_text(damaged)
        assert InForce.kept(state) is None
    assert now.differs(None) == ["all settings and code"]


def test_host_names_that_dns_now_has_are_used(checkout: Path) -> None:
    public = parse({"site": {"public_url": "https://hub.example.org"}})
    before = InForce.now(checkout, public, RUNTIME)
    after = InForce.now(checkout, public, replace(RUNTIME, user_origins="own"))
    assert after.differs(before) == ["users' host names"]
