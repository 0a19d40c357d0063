"""What all tests of nugamma share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread for linear algebra: `make test` has more processes than there are cores."""
    with threadpool_limits(1):
        yield
