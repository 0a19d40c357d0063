"""Records whose metadata are hard to cite, and one with few metadata."""

from __future__ import annotations

import pytest

from opendata.accounts.models import User
from opendata.records.models import Version

from ..records import published
from .described import CREATORS, DESCRIPTION, FUNDING, TITLE


@pytest.fixture
def record(curator: User, reviewer: User) -> Version:
    more = {"title": TITLE, "description": DESCRIPTION, "doi": "10.5072/FK2/(A)<B>"}
    return published(curator, reviewer, creators=CREATORS, funding=FUNDING, **more)


@pytest.fixture
def bare(curator: User, reviewer: User) -> Version:
    """A record that says as little as one can."""
    return published(curator, reviewer, description="", metadata={}, ktype="km3.resource")
