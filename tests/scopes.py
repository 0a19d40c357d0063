"""Which tests run in one process, and in which order, when several processes share the work.

A plugin of `conftest.py` at the top, so that it holds for every test that can be named.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

#: Tests that start platforms in containers, one after the other.
CONTAINERS = ("e2e/", "hub/docker/")
#: Those of `e2e/` that can run beside them: they start processes, or a platform of their own name.
BESIDE = (
    "test_same_numbers.py",
    "test_embedded.py",
    "test_path.py",
    "test_started_from.py",
    "test_starts.py",
    "test_unprivileged.py",
)
#: What takes minutes begins first, in this order.
LONGEST = ("containers", "deploy/tests", "e2e", "hub", "opendata", "images", "lab", "notebooks")
#: Seconds for a test that deploys to a host; all others have those of pyproject.toml.
DEPLOYMENT = 1800


def scope(nodeid: str) -> str:
    """Return the name of the tests that share a process with this one.

    Examples
    --------
    >>> scope("tests/e2e/test_portal.py::test_a"), scope("tests/e2e/test_starts.py::test_b")
    ('containers', 'e2e')
    >>> scope("tests/images/test_users.py::test_a_home"), scope("tests/openkm3/sky/test_a.py::test")
    ('images', 'openkm3/sky')
    >>> scope("deploy/tests/test_one_host.py::test_a"), scope("deploy/tests/several/test_a.py::t")
    ('deploy/tests', 'deploy/tests')
    """
    folder, _, file = nodeid.split("::", 1)[0].removeprefix("tests/").rpartition("/")
    if f"{folder}/".startswith(CONTAINERS) and file not in BESIDE:
        return "containers"
    if folder.startswith("deploy/tests"):
        return "deploy/tests"  # they share the ACME service
    # Hubs start one after the other.
    return "hub" if folder.startswith("hub") else folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest scopes first, then those with most tests; deployments get more time."""
    scopes = Counter(scope(item.nodeid) for item in items)

    def rank(item: pytest.Item) -> tuple[int, int, str]:
        own = scope(item.nodeid)
        place = LONGEST.index(own) if own in LONGEST else len(LONGEST)
        return place, -scopes[own], own

    items.sort(key=rank)
    for item in items:
        if item.nodeid.startswith("deploy/") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(DEPLOYMENT))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give each process the scopes in the order above: see `make test`."""
    from xdist.scheduler import LoadScopeScheduling

    class BySubject(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    config.option.loadscopereorder = False
    return BySubject(config, log)
