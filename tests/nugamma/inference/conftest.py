"""Published inputs, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

JOINT = Path(__file__).parents[4] / "shared" / "data" / "joint"


@pytest.fixture(scope="session")
def joint() -> Path:
    """Return the folder of the published inputs of arXiv:2309.03007."""
    if not JOINT.is_dir():
        pytest.skip(
            "needs the published scans: put them into shared/data/joint beside the checkout"
        )
    return JOINT
