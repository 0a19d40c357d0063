"""The command runner that all tests share."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands import run

FAILS = "import sys; print('rows: 3'); print('no such table', file=sys.stderr); sys.exit(2)"


def test_what_a_command_printed_is_text() -> None:
    done = run(sys.executable, "-c", "print('größe')", env={"PYTHONIOENCODING": "utf-8"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "größe\n", "")


def test_another_exit_status_fails_with_the_command_and_its_output() -> None:
    with pytest.raises(AssertionError, match=r"ended with 2, not 0:\nrows: 3\nno such table"):
        run(sys.executable, "-c", FAILS)


def test_an_expected_failure_or_any_status_is_accepted() -> None:
    assert run(sys.executable, "-c", FAILS, status=2).stderr == "no such table\n"
    assert run(sys.executable, "-c", FAILS, status=None).returncode == 2


def test_a_command_that_does_not_end_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(sys.executable, "-c", "import time; time.sleep(600)", timeout=0.5)


def test_input_is_passed_on() -> None:
    assert run(sys.executable, "-c", "print(input()[::-1])", input="abc").stdout == "cba\n"
