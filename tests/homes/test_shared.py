"""Folders that groups share: one limit for all of their members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from km3homes.place import find_all
from tests.homes.conftest import MB, NAMES, as_user, fill, service, settings, volume


def test_members_write_until_the_folder_is_full(disk: Callable[..., Path], tmp_path: Path) -> None:
    root = disk("ext4")
    homes = service(root, "image", settings(tmp_path, "homes: {shared: {school: {size: 40M}}}"))
    place = volume(root, "school", "shared")
    assert [str(found) for found in find_all(root, NAMES)] == ["shared of school"]
    use = homes.prepare(place, (), lambda *_: None, unused=False)
    assert use is not None
    assert use.limit is not None
    assert abs(use.limit - 40 * MB) < MB
    assert as_user(place.files, "/usr/bin/mkdir", "data").returncode == 0
    written, why = fill(place.files, 60 * MB)
    assert why == "No space left on device"
    assert 30 * MB < written < 41 * MB
    # The start of another member finds it in use.
    again = homes.prepare(place, (), lambda *_: None, unused=False)
    assert again is not None
    assert again.used > 30 * MB


def test_files_that_others_may_be_using_are_not_moved(
    disk: Callable[..., Path], tmp_path: Path
) -> None:
    root = disk("ext4")
    place = volume(root, "school", "shared")
    (place.files / "notes").write_text("x")
    homes = service(root, "image", settings(tmp_path, "homes: {shared: {school: {size: 40M}}}"))
    use = homes.prepare(place, (), lambda *_: None, unused=False)
    assert use is not None
    assert use.limit is None
    assert "not enforced" in use.note
    assert (place.files / "notes").read_text() == "x"
