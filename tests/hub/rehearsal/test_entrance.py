"""The address that the commands of a workshop use."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from km3hub.cli.workshop import entrance
from km3settings.state import State


def test_outside_the_hubs_container_its_own_port_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path / "state")
    state.create()
    with monkeypatch.context() as container:
        container.setenv("KM3_MODE", "docker")
        container.setenv("KM3_PORT", "19690")
        container.setenv("KM3_STATE", str(tmp_path / "state"))
        inside = entrance.access_here(state)
    assert "19690" not in inside.address
    monkeypatch.setattr(entrance, "container", lambda *_: "km3net-hub")
    monkeypatch.setattr(entrance, "ask", lambda *_: json.dumps(asdict(inside)))
    outside = entrance.access(state)
    assert outside.address.endswith(":19690")
    assert outside.token == inside.token
