"""A hub whose servers are the platform's own: JupyterLab processes with kernels and tutorials."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.running import ROOT, RunningHub

CONFIG = Path(__file__).with_name("whole_hub.py").read_text()
INSTALLED = ROOT / ".platform" / "envs"
#: Two servers at a time, no Open Data Center; a workshop of its own has its group.
SETTINGS = """
spawner: {concurrent: 2}
services: {opendata: {enabled: false}}
environments:
  - {name: stack, title: KM3NeT stack, image: km3net/stack}
  - {name: broken, title: Not installed, image: km3net/broken}
  - {name: closed, title: For members, image: km3net/stack, groups: [workshop-school]}
"""


@pytest.fixture(scope="module")
def whole_hub(
    start_hub: Callable[..., RunningHub], monkeypatch_module: pytest.MonkeyPatch
) -> Iterator[RunningHub]:
    """The hub, with the environments `stack` (works) and `broken` (is not installed)."""
    if not (INSTALLED / "stack" / ".installed").exists():
        pytest.skip("needs the environments of users' servers; run: .venv/bin/km3hub install")
    if os.geteuid() == 0:
        try:
            monkeypatch_module.setenv("TEST_SERVER_USER", pwd.getpwnam("km3net-servers").pw_name)
        except KeyError:
            pytest.skip("needs the user for servers, which `make up` as root creates; or no root")
    monkeypatch_module.setenv("TEST_TUTORIALS", str(ROOT / "notebooks"))
    hub = start_hub(settings=SETTINGS, config=f"{LINK}{CONFIG}")
    yield hub
    hub.stop()


#: The environments that `make test` installed.
LINK = f"""
_installed = runtime.state.environments
if not _installed.exists():
    _installed.symlink_to({str(INSTALLED)!r})
"""


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    """Environment variables for a hub that all tests of a file share."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch
