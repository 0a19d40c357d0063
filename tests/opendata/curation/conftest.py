"""A curator and a reviewer who are logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from opendata.accounts.models import User

from ..accounts import logged_in

if TYPE_CHECKING:
    pass


@pytest.fixture
def cora(curator: User) -> Client:
    return logged_in(curator)


@pytest.fixture
def rene(reviewer: User) -> Client:
    return logged_in(reviewer)
