"""Shared folders: who has them, and what happens to the servers of former members."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from km3hub.spawning.shared import SharedWatch, shared_mounts
from km3settings.names import Names
from km3settings.servers import Homes
from km3settings.shared import shared_with

HOMES = Homes.model_validate(
    {"shared": {"school": {"size": "1G"}, "lab": {"size": "1G", "groups": ["vo/lab", "staff"]}}}
)


@pytest.mark.parametrize(
    ("groups", "folders"),
    [
        ([], ()),
        (["school"], ("school",)),
        (["lab"], ()),
        (["vo/lab"], ("lab",)),
        (["staff", "school"], ("lab", "school")),
        (["School", "school "], ()),
    ],
)
def test_members_of_the_groups_have_the_folder(groups: list[str], folders: tuple[str]) -> None:
    assert shared_with(HOMES.shared, groups) == folders


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "a:b", "-a", "a-", "a\n", "x" * 40])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="shared"):
        Homes.model_validate({"shared": {name: {"size": "1G"}}})


def test_mounts_are_read_from_the_engines_answer() -> None:
    mounts = [
        {"Type": "tmpfs"},
        {"Type": "volume", "Name": "km3net-home-ada"},
        {"Type": "volume", "Name": "km3net-shared-school"},
        {"Type": "volume", "Name": "other-shared-lab"},
    ]
    assert shared_mounts({"Mounts": mounts}, Names("km3net")) == {"school"}
    assert not shared_mounts({}, Names("km3net"))


class Hub:
    """As much of JupyterHub's application as the watch uses."""

    def __init__(self, *, mounted: str, groups: list[str], **state: Any) -> None:
        spawner = {"mounted": frozenset({mounted}), "active": True, "pending": None} | state
        self.stopped: list[str] = []
        user = SimpleNamespace(
            name="ada",
            groups=[SimpleNamespace(name=group) for group in groups],
            spawners={"": SimpleNamespace(**spawner)},
            stop=self._stop,
        )
        self.users = {1: user}
        self.proxy = SimpleNamespace(delete_user=self._delete)

    async def _stop(self, server: str) -> None:
        self.stopped.append(server)

    async def _delete(self, user: object, server: str) -> None:
        pass


@pytest.mark.parametrize(
    ("hub", "stopped"),
    [
        (Hub(mounted="school", groups=["school"]), []),
        (Hub(mounted="school", groups=["lab"]), [""]),
        (Hub(mounted="lab", groups=["school"]), [""]),
        # The folder is no longer in the settings.
        (Hub(mounted="former", groups=["former"]), [""]),
        (Hub(mounted="school", groups=[], active=False), []),
        (Hub(mounted="school", groups=[], pending="spawn"), []),
    ],
)
def test_the_server_of_a_former_member_stops(hub: Hub, stopped: list[str]) -> None:
    asyncio.run(SharedWatch(HOMES.shared, lambda: hub).look())
    assert hub.stopped == stopped
