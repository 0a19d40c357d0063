"""Old files of scratch folders are deleted, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

from km3homes.purge import purge

DAY = 86400


def test_only_files_that_nobody_used_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    old, read, written = (tmp_path / "deep" / "er" / name for name in ("old", "read", "written"))
    for file in (old, read, written):
        file.write_text("x")
    later = time.time() + 31 * DAY
    os.utime(read, (later, 0))
    os.utime(written, (0, later))
    assert purge(tmp_path, 30, now=later) == 1
    assert not old.exists()
    assert read.exists()
    assert written.exists()


def test_a_time_in_the_past_does_not_make_a_new_file_old(tmp_path: Path) -> None:
    unpacked = tmp_path / "from-an-archive"
    unpacked.write_text("x")
    os.utime(unpacked, (0, 0))
    # The time of its creation here counts, which no user can set.
    assert purge(tmp_path, 30) == 0
    assert unpacked.exists()


def test_links_lead_nowhere(tmp_path: Path) -> None:
    victim, scratch = tmp_path / "victim", tmp_path / "scratch"
    victim.mkdir()
    scratch.mkdir()
    (victim / "file").write_text("x")
    (scratch / "folder").symlink_to(victim)
    (scratch / "file").symlink_to(victim / "file")
    assert purge(scratch, 30, now=time.time() + 31 * DAY) == 1
    assert (victim / "file").exists()
    assert purge(scratch, 30, now=time.time() + 62 * DAY) == 0
    assert (victim / "file").exists()


def test_empty_folders_go_with_their_files(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "run").mkdir(parents=True)
    (scratch / "run" / "file").write_text("x")
    purge(scratch, 30, now=time.time() + 31 * DAY)
    purge(scratch, 30, now=time.time() + 62 * DAY)
    assert list(scratch.iterdir()) == []
