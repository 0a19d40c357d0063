"""A broker before an engine that only records, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.objects import engine_objects
from tests.broker.recording import Recording, recording
from tests.broker.running import Socket, running


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Recording]:
    with recording(tmp_path / "engine.sock") as found:
        found.objects = engine_objects()
        yield found


@pytest.fixture
def broker(tmp_path: Path, engine: Recording) -> Iterator[Socket]:
    with running(tmp_path, engine.path) as found:
        yield found
