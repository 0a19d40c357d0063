"""What km3host reports: sentences for people, lines of JSON in the journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.host.test_verify import USUAL

REPORTING = """
from km3host.errors import HostError
from km3host.events import report
report("saved 3 volumes of Größe", volumes=3)
HostError("the registry does not answer: run the playbook site").show()
"""


def in_files(folder: Path, *command: str | Path, journal: bool) -> tuple[str, str]:
    """Standard output and error of a command whose streams are files, as systemd connects them."""
    files = [folder / name for name in ("out", "err")]
    with files[0].open("w") as out, files[1].open("w") as err:
        # systemd names one of the two; they are the same there.
        stream = os.fstat(err.fileno())
        variables = {"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"} if journal else {}
        subprocess.run(
            list(map(str, command)),
            stdout=err if journal else out,
            stderr=err,
            env={**os.environ, **variables},
        )
    return files[0].read_text(), files[1].read_text()


def test_a_person_reads_sentences(tmp_path: Path) -> None:
    out, err = in_files(tmp_path, sys.executable, "-c", REPORTING, journal=False)
    assert out == "saved 3 volumes of Größe\n"
    assert err == "km3host: the registry does not answer: run the playbook site\n"


def test_the_journal_gets_lines_of_json(tmp_path: Path) -> None:
    _, text = in_files(tmp_path, sys.executable, "-c", REPORTING, journal=True)
    # Two streams of one file: the journal has its own order.
    found: dict[str, Any] = {(e := json.loads(line))["level"]: e for line in text.splitlines()}
    assert all(list(e)[:4] == ["time", "level", "logger", "message"] for e in found.values())
    assert (found["info"]["message"], found["info"]["volumes"]) == ("saved 3 volumes of Größe", 3)
    assert found["error"]["message"] == "the registry does not answer: run the playbook site"
    age = datetime.now(UTC) - datetime.fromisoformat(found["info"]["time"])
    assert abs(age.total_seconds()) < 600


def test_a_stream_that_was_redirected_since_is_not_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    out, err = in_files(tmp_path, sys.executable, "-c", REPORTING, journal=False)
    assert out.startswith("saved")
    assert err.startswith("km3host: ")


def test_a_command_that_fails_in_a_timer_leaves_one_line_of_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "km3host", "backup", "--configuration", tmp_path / "no", "run"]
    _, text = in_files(tmp_path, *command, journal=True)
    (line,) = text.splitlines()
    assert json.loads(line)["level"] == "error"
    assert "run the playbook site" in json.loads(line)["message"]


def test_checks_are_values_in_the_journal_and_lines_for_people(tmp_path: Path) -> None:
    settings = tmp_path / "verify.json"
    # A disk with less than 101 % of free space: the check fails on every machine.
    settings.write_text(json.dumps(USUAL | {"folder": str(tmp_path), "disk_percent": 101}))
    options = ["--configuration", settings, "--only", "disk"]
    command = [sys.executable, "-m", "km3host", "verify", *options]
    shown = run(*command, status=1).stdout.splitlines()[0]
    assert shown.startswith("FAILED  disk: ")
    _, text = in_files(tmp_path, *command, journal=True)
    found = json.loads(text.splitlines()[0])
    assert (found["check"], found["ok"]) == ("disk", False)
    assert found["message"].split("%")[1] == shown.split("%")[1]
