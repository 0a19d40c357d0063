"""A hostile server, and `inside`: a service of the user's own network, which it wants to reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

from .server import Hostile, running, send


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hostile]:
    with running() as server:
        monkeypatch.setenv("OPENKM3_SERVER", server.url)
        monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def inside() -> Iterator[Hostile]:
    with running() as server:
        server.answers["*"] = send(b"secret")
        yield server
