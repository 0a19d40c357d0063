"""Who starts when many want to."""

from __future__ import annotations

import asyncio

import pytest

from km3hub.spawning.turns import Turns
from tests.loops import in_a_loop


async def hold(turns: Turns, told: list[int], running: list[int], done: asyncio.Event) -> None:
    async with turns.turn(told.append):
        running.append(1)
        await done.wait()


@in_a_loop
async def test_no_more_start_at_once_than_there_are_places() -> None:
    turns, running, done = Turns(2), [], asyncio.Event()
    told: list[list[int]] = [[] for _ in range(5)]
    starts = [asyncio.create_task(hold(turns, list_, running, done)) for list_ in told]
    await asyncio.sleep(0)
    assert len(running) == 2
    assert told[:3] == [[], [], [0]]
    assert told[4] == [2]
    done.set()
    await asyncio.gather(*starts)
    assert len(running) == 5


@in_a_loop
async def test_those_who_wait_are_told_when_they_move_up() -> None:
    turns, first, second = Turns(1), asyncio.Event(), asyncio.Event()
    told: list[int] = []
    running: list[int] = []
    tasks = [asyncio.create_task(hold(turns, [], running, first))]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(hold(turns, [], running, second)))
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(hold(turns, told, running, second)))
    await asyncio.sleep(0)
    assert told == [1]
    first.set()
    second.set()
    await asyncio.gather(*tasks)
    assert told == [1, 0]


@in_a_loop
async def test_a_cancelled_wait_gives_its_place_in_the_queue_up() -> None:
    turns, done = Turns(1), asyncio.Event()
    running: list[int] = []
    holder = asyncio.create_task(hold(turns, [], running, done))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(hold(turns, [], running, done))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    done.set()
    await holder
    async with asyncio.timeout(1), turns.turn(lambda before: None):
        pass


@in_a_loop
async def test_a_failed_start_frees_its_place() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError, match="no container"):
        async with turns.turn(lambda before: None):
            raise ValueError("no container")
    async with asyncio.timeout(1), turns.turn(lambda before: None):
        pass
