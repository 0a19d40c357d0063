"""The dashboards' expressions are Prometheus's language, and panels do not lie on each other."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import run
from tests.deploy.sources import DEPLOY

DASHBOARDS = sorted((DEPLOY / "dashboards").glob("*.json"))
each = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)


def _panels(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text())["panels"])


def _checked(rules: Path) -> subprocess.CompletedProcess[str]:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing; run: make tools")
    return run(promtool, "check", "rules", rules, status=None)


@each
def test_every_expression_can_be_read(file: Path, tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in _panels(file) for target in panel["targets"]]
    assert len(expressions) > 5
    rules = [{"record": f"a:b{n}", "expr": text} for n, text in enumerate(expressions)]
    written = tmp_path / "rules.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    result = _checked(written)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_alerts_can_be_read() -> None:
    result = _checked(DEPLOY / "roles/monitoring/files/rules.yml")
    assert result.returncode == 0, result.stdout + result.stderr


@each
def test_panels_have_their_own_place_and_number(file: Path) -> None:
    panels = _panels(file)
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    assert max(p["gridPos"]["x"] + p["gridPos"]["w"] for p in panels) <= 24
