"""Functions that read strangers' files run in a process of their own, within limits."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from opendata import describing, sandbox
from opendata.sandbox import Limits, run

ENOUGH = Limits(seconds=60, memory=4 * 2**30)
ME = "tests.opendata.test_sandbox"


@pytest.fixture(autouse=True)
def _found_by_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox imports the functions below from this file."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def halves(number: int) -> dict[str, Any]:
    print("a library that prints")
    os.write(1, b"a C library that prints\n")
    return {"half": number / 2, "text": "é\0"}


def reject(_: str) -> None:
    raise sandbox.Rejected("is empty")


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def fail() -> None:
    raise ZeroDivisionError("a mistake of ours")


def wait() -> None:
    # The child holds the pipes open after its parent was killed.
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])


def compute() -> None:
    while True:
        pass


def take(size: int) -> int:
    return len(bytearray(size))


def take_and_reject(size: int) -> None:
    try:
        try:
            bytearray(size)
        except MemoryError as error:
            raise ValueError("cannot be read") from error
    except ValueError as error:
        raise sandbox.Rejected(str(error)) from None


def environment() -> list[str]:
    return sorted(os.environ)


def test_a_result_survives_what_libraries_print() -> None:
    assert run(f"{ME}:halves", 3, limits=ENOUGH) == {"half": 1.5, "text": "é\0"}


def test_a_function_may_reject_a_file() -> None:
    with pytest.raises(sandbox.Rejected, match=r"^is empty$"):
        run(f"{ME}:reject", "x", limits=ENOUGH)


@pytest.mark.parametrize("function", ["crash", "leave", "fail"])
def test_a_process_without_an_answer_has_crashed(
    function: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(sandbox.Crashed):
        run(f"{ME}:{function}", limits=ENOUGH)
    assert f"{ME}:{function}" in caplog.text


def test_what_takes_too_long_is_ended_with_all_that_it_started() -> None:
    with pytest.raises(sandbox.TimedOut, match="longer than 5 seconds, the limit"):
        run(f"{ME}:wait", limits=Limits(seconds=5, memory=ENOUGH.memory))


def test_processor_time_is_limited() -> None:
    limits = Limits(seconds=300, cpu_seconds=1, memory=ENOUGH.memory)
    with pytest.raises(sandbox.TimedOut, match="1 seconds of processor time"):
        run(f"{ME}:compute", limits=limits)


@pytest.mark.parametrize("function", ["take", "take_and_reject"])
def test_memory_is_limited(function: str) -> None:
    run(f"{ME}:{function}", 2**20, limits=ENOUGH)
    with pytest.raises(sandbox.OutOfMemory, match="more than 4 GiB"):
        run(f"{ME}:{function}", 5 * 2**30, limits=ENOUGH)


def test_an_answer_may_not_be_endless() -> None:
    with pytest.raises(sandbox.Rejected, match="more than the limit of 10"):
        run(f"{ME}:halves", 3, limits=Limits(seconds=60, memory=ENOUGH.memory, answer=10))


def test_the_process_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@localhost/db")
    seen = run(f"{ME}:environment", limits=ENOUGH)
    assert "PATH" in seen
    assert not {name for name in seen if name.startswith(("DATABASE", "OPENDATA", "DJANGO"))}


def test_a_file_that_needs_too_much_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.ecsv"
    Table({"a": [1, 2]}).write(path)
    assert describing.describe_safely(path, path.name)["tables"][0]["rows"] == 2
    for limits, reason in (
        (Limits(seconds=0.01, memory=ENOUGH.memory), "longer than 0.01 seconds"),
        (Limits(seconds=60, memory=2**20), "memory|crash"),
    ):
        with pytest.raises(describing.Unreadable, match=reason):
            describing.describe_safely(path, path.name, limits=limits)
