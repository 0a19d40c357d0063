"""Caddy's configuration, with and without host names for users' servers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.caddyfile import written


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("tls", ["acme", "internal", "none"])
def test_caddy_accepts_it(tmp_path: Path, tls: str, own: bool) -> None:
    program = shutil.which("caddy")
    if not program:
        pytest.skip("Caddy is missing; run: make tools")
    file = tmp_path / "Caddyfile"
    file.write_text(written(proxy_tls=tls, platform_own_origins=own))
    command = [program, "adapt", "--adapter", "caddyfile", "--config", str(file), "--validate"]
    done = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert ("*.hub.example.org" in done.stdout) is own


def test_certificates_are_asked_for_on_demand_only_for_users() -> None:
    text = written(platform_own_origins=True)
    assert "ask http://127.0.0.1:8000/hub/host-name" in text
    assert text.count("on_demand\n") == 1
    hidden = r"^hub\.example\.org \{\n\timport site\n.*\n\trespond /hub/host-name 404"
    assert re.search(hidden, text, re.M)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"platform_own_origins": True, "proxy_tls": "internal"},
        {"platform_own_origins": True, "proxy_wildcard": True},
    ],
)
def test_elsewhere_nothing_is_issued_on_demand(settings: dict[str, Any]) -> None:
    assert "on_demand" not in written(**settings)
