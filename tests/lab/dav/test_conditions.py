"""Conditions, locks and parts of files, as the standards define them."""

from __future__ import annotations

import pytest

from km3lab.dav.conditions import If, matches
from km3lab.dav.errors import DavError
from km3lab.dav.locks import LONGEST, MOST, Locks
from km3lab.dav.transfer import byte_range


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def holds(header: str, etag: str = '"1"', *tokens: str) -> bool:
    return If.read(header).holds(lambda about: ("", set()) if about else (etag, set(tokens)))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", True),
        ("(<urn:a>)", True),
        ("(<urn:b>)", False),
        ("(Not <urn:b>)", True),
        ('(<urn:a> ["1"])', True),
        ('(<urn:a> ["2"])', False),
        ('(<urn:b>) (["1"])', True),
        ('(Not ["1"] <urn:a>)', False),
        ("</other> (<urn:a>)", False),
    ],
)
def test_one_list_has_to_hold(header: str, expected: bool) -> None:
    assert holds(header, '"1"', "urn:a") is expected


@pytest.mark.parametrize(
    "header", ["nonsense", "(<a>", "()", "<a>", "(<a>)x", "((<a>))", "(" * 9000]
)
def test_a_header_that_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(DavError, match="cannot be understood"):
        If.read(header)


def test_tags_are_compared() -> None:
    assert matches("*", '"1"')
    assert not matches("*", "")
    assert matches('"2", W/"1"', '"1"')
    assert not matches('"2"', '"1"')
    assert not matches("", '"1"')


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=6-", (6, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=8-100", (8, 10)),
        ("bytes=1-2,4-5", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_parts_of_a_file(header: str, part: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=-0", f"bytes={'9' * 30}-"])
def test_parts_that_a_file_does_not_have(header: str) -> None:
    with pytest.raises(DavError, match="shorter") as refused:
        byte_range(header, 10)
    assert refused.value.status == 416


def test_a_lock_keeps_others_out_until_it_ends() -> None:
    clock = Clock()
    locks = Locks(clock)
    lock = locks.add(("a",), exclusive=True, deep=True, owner="", seconds=60)
    for where in (("a",), ("a", "b")):
        with pytest.raises(DavError, match="locked"):
            locks.demand(where, ())
        with pytest.raises(DavError, match="locked"):
            locks.add(where, exclusive=False, deep=False, owner="", seconds=None)
        locks.demand(where, (lock.token,))
    with pytest.raises(DavError, match="locked"):
        locks.add((), exclusive=True, deep=True, owner="", seconds=None)
    with pytest.raises(DavError, match="locked"):
        locks.demand((), (), deep=True)
    locks.demand(("b",), ())
    clock.now = 59
    locks.refresh(("a", "b"), (lock.token,), None)
    clock.now = 61
    assert locks.on(("a",)) == [lock]
    clock.now = 1000
    locks.demand(("a",), ())


def test_shared_locks_share() -> None:
    locks = Locks(Clock())
    one = locks.add(("a",), exclusive=False, deep=False, owner="", seconds=None)
    locks.add(("a",), exclusive=False, deep=False, owner="", seconds=None)
    locks.demand(("a",), (one.token,))
    with pytest.raises(DavError, match="locked"):
        locks.add(("a",), exclusive=True, deep=False, owner="", seconds=None)


def test_locks_are_limited_in_number_and_time() -> None:
    locks = Locks(Clock())
    for number in range(MOST):
        made = locks.add((str(number),), exclusive=True, deep=False, owner="", seconds=1e9)
    assert made.seconds == LONGEST
    with pytest.raises(DavError) as refused:
        locks.add(("more",), exclusive=True, deep=False, owner="", seconds=None)
    assert refused.value.status == 507
