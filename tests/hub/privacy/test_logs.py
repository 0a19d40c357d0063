"""Old log entries are deleted, new ones are kept, and programs go on writing."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from km3hub.privacy.logs import delete_old_entries, entries_of, erase_entries, rotated

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def on(day: int) -> float:
    return (NOON + timedelta(days=day)).timestamp()


def test_an_entry_is_gone_after_the_days_of_the_setting(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    delete_old_entries(tmp_path, 3, on(0))
    log.write_text("written on day 0\n")
    seen = {}
    for day in range(1, 8):
        delete_old_entries(tmp_path, 3, on(day))
        seen[day] = "".join(p.read_text() for p in [log, *rotated(tmp_path)])
    assert [day for day, text in seen.items() if "day 0" in text] == [1, 2, 3]


def test_an_entry_of_today_is_kept_with_the_shortest_setting(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    log.write_text("yesterday\n")
    delete_old_entries(tmp_path, 1, on(0))
    log.write_text("today\n")
    delete_old_entries(tmp_path, 1, on(0))
    assert log.read_text() == "today\n"
    assert [path.read_text() for path in rotated(tmp_path)] == ["yesterday\n"]
    delete_old_entries(tmp_path, 1, on(1))
    assert [path.read_text() for path in rotated(tmp_path)] == ["today\n"]


def test_a_program_goes_on_writing(tmp_path: Path) -> None:
    log = tmp_path / "opendata.log"
    script = f'while read line; do echo "$line" >&3; echo done; done 3>>"{log}"'
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as program:
        assert program.stdin
        assert program.stdout

        def write(line: str) -> None:
            assert program.stdin
            assert program.stdout
            program.stdin.write(f"{line}\n")
            assert program.stdout.readline() == "done\n"

        write("before")
        delete_old_entries(tmp_path, 30, on(0))
        write("after")
        program.stdin.close()
    assert log.read_bytes() == b"after\n"
    assert [path.read_text() for path in rotated(tmp_path)] == ["before\n"]
    assert rotated(tmp_path)[0].stat().st_mode & 0o777 == 0o600


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "notes.txt").write_text("kept")
    (folder / "x.log.2026-13-45").write_text("kept")
    (folder / "link.log").symlink_to(outside)
    for day in range(3):
        delete_old_entries(folder, 1, on(day))
    assert outside.read_text() == "kept"
    assert (folder / "notes.txt").read_text() == "kept"
    assert (folder / "x.log.2026-13-45").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_one_log_that_cannot_be_copied_does_not_keep_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a\n")
    (tmp_path / "b.log").write_text("b\n")
    # Where the copy would go there is a link: it is not followed.
    (tmp_path / f"a.log.{NOON:%Y-%m-%d}").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"a\.log"):
        delete_old_entries(tmp_path, 30, on(0))
    assert (tmp_path / "a.log").read_text() == "a\n"
    assert (tmp_path / "b.log").read_text() == ""


def test_the_entries_of_a_user_are_those_with_the_name_as_a_word(tmp_path: Path) -> None:
    (tmp_path / "hub.log").write_text(
        "302 POST /hub/login (ada@127.0.0.1)\n200 GET /user/ada/lab (ada-2@::1)\n"
        "200 GET /hub/home (ada-2@::1)\nadam\nnada\n"
    )
    (tmp_path / "hub.log.2026-11-29").write_text("the server of ada was stopped\n")
    (tmp_path / "server-ada.log").write_text("ada\n")
    assert entries_of(tmp_path, "ada") == [
        "hub.log: 302 POST /hub/login (ada@127.0.0.1)",
        "hub.log: 200 GET /user/ada/lab (ada-2@::1)",
        "hub.log.2026-11-29: the server of ada was stopped",
    ]


def test_a_name_after_a_line_break_in_json_is_an_entry_of_the_user(tmp_path: Path) -> None:
    line = json.dumps({"message": "failed", "traceback": "first\nada was here\n\tada"})
    other = json.dumps({"message": "failed", "traceback": "first\nadam\nnada"})
    (tmp_path / "hub.log").write_text(f"{line}\n{other}\n")
    assert entries_of(tmp_path, "ada") == [f"hub.log: {line}"]
    erase_entries(tmp_path, "ada")
    (copy,) = rotated(tmp_path)
    assert copy.read_text() == f"{other}\n"
