"""The order of starts when many users wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from km3hub.spawning import turns as module
from km3hub.spawning.turns import Place, Turns, WaitedTooLong, place_in_words
from tests.loops import in_a_loop


class Start:
    """A start that holds its turn until `done`."""

    def __init__(self, turns: Turns, user: str) -> None:
        self.places: list[Place] = []
        self.done = asyncio.Event()
        self.starts = False
        self.fails: Exception | None = None
        self.task = asyncio.create_task(self._run(turns, user))

    async def _run(self, turns: Turns, user: str) -> None:
        async with turns.turn(user, self.places.append):
            self.starts = True
            await self.done.wait()
            if self.fails:
                raise self.fails

    @property
    def before(self) -> list[int]:
        return [place.before for place in self.places]


async def pause() -> None:
    """Let every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd(turns: Turns, *users: str) -> AsyncIterator[list[Start]]:
    """One start per user, in this order; the rest is cancelled at the end."""
    starts = [Start(turns, user) for user in users]
    await pause()
    yield starts
    for start in starts:
        start.task.cancel()
    await asyncio.gather(*(start.task for start in starts), return_exceptions=True)


@in_a_loop
async def test_no_more_start_at_once_than_there_are_places() -> None:
    async with crowd(Turns(2), *"abcde") as starts:
        assert [start.starts for start in starts] == [True, True, False, False, False]
        assert [start.before for start in starts] == [[], [], [0], [1], [2]]
        for start in starts:
            start.done.set()
        await asyncio.gather(*(start.task for start in starts))


@in_a_loop
async def test_waiting_users_see_their_place_in_the_queue() -> None:
    async with crowd(Turns(1), *"abc") as starts:
        assert starts[2].before == [1]
        starts[0].done.set()
        await pause()
        assert starts[1].starts
        assert starts[2].before == [1, 0]


@in_a_loop
async def test_a_cancelled_wait_makes_room_for_those_behind() -> None:
    async with crowd(Turns(1), *"abc") as starts:
        starts[1].task.cancel()
        await pause()
        assert starts[2].before == [1, 0]
        starts[0].done.set()
        await pause()
        assert starts[2].starts


@in_a_loop
async def test_a_start_that_is_cancelled_as_its_turn_comes_passes_it_on() -> None:
    async with crowd(Turns(1), *"abc") as starts:
        starts[0].done.set()
        await asyncio.sleep(0)  # its turn ends in this step of the loop
        starts[1].task.cancel()
        await pause()
        assert starts[2].starts


@in_a_loop
async def test_several_can_be_cancelled_at_the_same_moment() -> None:
    async with crowd(Turns(1), *"abcde") as starts:
        for start in starts[:4]:
            start.task.cancel()
        await pause()
        assert starts[4].starts


@in_a_loop
async def test_a_failed_start_frees_its_place_in_the_queue() -> None:
    async with crowd(Turns(1), *"ab") as starts:
        starts[0].fails = ValueError("no container")
        starts[0].done.set()
        with pytest.raises(ValueError, match="no container"):
            await starts[0].task
        await pause()
        assert starts[1].starts


@pytest.mark.parametrize("how", ["cancelled", "failed"])
@in_a_loop
async def test_a_second_try_gets_the_former_place(how: str) -> None:
    turns = Turns(1)
    async with crowd(turns, *"abcd") as starts:
        if how == "cancelled":
            starts[1].task.cancel()
        else:
            starts[0].done.set()
            await pause()
            starts[1].fails = ValueError("no container")
            starts[1].done.set()
        await pause()
        async with crowd(turns, "b") as again:
            assert again[0].before == [0]
            assert starts[3].before[-1] == 2 - (how == "failed")


@in_a_loop
async def test_a_second_try_long_after_the_first_is_a_new_one() -> None:
    now = [0.0]
    turns = Turns(1, clock=lambda: now[0])
    async with crowd(turns, *"abc") as starts:
        starts[1].task.cancel()
        await pause()
        now[0] = module.KEPT + 1
        async with crowd(turns, "b") as again:
            assert again[0].before == [1]


@in_a_loop
async def test_a_place_is_kept_once_and_for_one_start() -> None:
    """A user who has started, stopped and starts again is not ahead of those who wait."""
    turns = Turns(1)
    async with crowd(turns, *"ab") as starts:
        starts[0].done.set()
        await pause()
        async with crowd(turns, *"ca") as later:
            assert [start.before for start in later] == [[0], [1]]


@in_a_loop
async def test_after_a_restart_those_who_waited_are_served_in_their_order() -> None:
    turns = Turns(1)
    turns.expect(["first", "second"])
    async with crowd(turns, "new", "second", "first") as starts:
        assert starts[0].starts
        assert starts[1].before[-1] == 1
        assert starts[2].before == [0]


@in_a_loop
async def test_the_time_follows_from_recent_starts() -> None:
    """Two at a time, 10 s each: the fourth to wait starts after 20 s and is ready after 30 s."""
    now = [0.0]
    turns = Turns(2, clock=lambda: now[0])
    async with crowd(turns, *"ab") as first:
        now[0] = 10.0
        for start in first:
            start.done.set()
        await pause()
        async with crowd(turns, *"cdefgh") as waiting:
            assert [start.places[-1].seconds for start in waiting[2:]] == [15, 20, 25, 30]


@in_a_loop
async def test_starts_wait_while_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK", 0.01)
    room = [1]
    turns = Turns(8, room=lambda starting: starting < room[0])
    async with crowd(turns, *"abc") as starts:
        assert [start.starts for start in starts] == [True, False, False]
        assert starts[1].places == [Place(0, None, short_of_memory=True)]
        room[0] = 3
        async with asyncio.timeout(10):
            while not starts[2].starts:
                await asyncio.sleep(0.01)


@in_a_loop
async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_LIMIT", 0.01)
    turns = Turns(1)
    async with crowd(turns, *"ab") as starts:
        with pytest.raises(WaitedTooLong):
            await starts[1].task
        async with crowd(turns, "c") as later:
            assert later[0].before == [0]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(0), "You are 1st in the queue"),
        (Place(1, 1.0), "You are 2nd in the queue; about 5 seconds until your server is ready"),
        (Place(2, 41.0), "You are 3rd in the queue; about 45 seconds until your server is ready"),
        (Place(10, 90.0), "You are 11th in the queue; about 90 seconds until your server is ready"),
        (Place(11, 91.0), "You are 12th in the queue; about 2 minutes until your server is ready"),
        (Place(12), "You are 13th in the queue"),
        (Place(20), "You are 21st in the queue"),
        (Place(110), "You are 111th in the queue"),
        (
            Place(0, None, short_of_memory=True),
            "You are 1st in the queue; the machine is short of memory, so starts wait until servers"
            " have stopped",
        ),
    ],
)
def test_a_place_is_told_in_words(place: Place, words: str) -> None:
    assert place_in_words(place) == words
