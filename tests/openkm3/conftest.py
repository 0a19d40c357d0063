"""Fixtures of the tests of openkm3: a real server with the real ANTARES data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).parents[2]
# The package is tested from the checkout; its dependencies come from the environment.
SOURCE = str(ROOT / "platform" / "openkm3" / "src")
sys.path.insert(0, SOURCE)

if TYPE_CHECKING:
    from tests.openkm3.odc import OpenDataCenter

NEEDS = ("astropy", "click", "filelock", "h5py", "httpx", "pandas", "platformdirs", "pydantic")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the cache of the user who runs the tests."""
    for name in ("OPENKM3_SERVER", "OPENKM3_CACHE", "OPENKM3_CONFIG", "OPENKM3_MAX_BYTES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "home" / "site"))
    monkeypatch.setenv("PYTHONPATH", SOURCE)  # for processes started by a test
    (tmp_path / "home" / "cache").mkdir(parents=True)  # astropy warns if it is missing
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))


@pytest.fixture
def center(tmp_path: Path) -> Iterator[OpenDataCenter]:
    """Run an Open Data Center; the fixture `server` also sets OPENKM3_SERVER."""
    for name in NEEDS:
        pytest.importorskip(name, reason=f"needs {name}: run it in the science environment")
    from tests.openkm3 import odc, published

    if not published.ANTARES.is_dir():
        pytest.skip(f"needs the public ANTARES data in {published.ANTARES}")
    with odc.serve(odc.OpenDataCenter(tmp_path / "odc")) as running:
        yield running


@pytest.fixture
def server(center: OpenDataCenter, monkeypatch: pytest.MonkeyPatch) -> OpenDataCenter:
    """Return the center, with OPENKM3_SERVER set to its address."""
    monkeypatch.setenv("OPENKM3_SERVER", center.url)
    return center
