"""The archive of a home: everything in it, and nothing from outside."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from km3hub.membership.names import WorkshopError
from km3hub.workshops import archive as module
from km3hub.workshops.archive import Archived, DiskFull, archive
from km3hub.workshops.home_tree import HomeError
from tests.small_disk import small_disk

SECRET = "only for root"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with everything that a home may contain."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    home = tmp_path / "home"
    (home / "work" / "empty").mkdir(parents=True)
    (home / "work" / "a.ipynb").write_text("{}")
    (home / "none").touch()
    for name in ("naïve ω.txt", "line\nbreak", "back\\slash", "'; rm -rf *", "-rf", "SHA256SUMS"):
        (home / name).write_text(f"content of {name}")
    for raw in (b"latin-\xff", b"latin-%FF", b"\xed\xa0\x80"):
        Path(os.fsdecode(bytes(home) + b"/" + raw)).write_bytes(raw)
    (home / "random").write_bytes(os.urandom(3 * 2**20 + 17))
    os.link(home / "random", home / "second name")
    with (home / "sparse").open("wb") as file:
        file.truncate(64 * 2**20)
    (home / "to-file").symlink_to(tmp_path / "secret")
    (home / "to-folder").symlink_to(tmp_path / "outside")
    (home / "to-nothing").symlink_to("nowhere")
    (home / "loop").symlink_to("loop")
    os.mkfifo(home / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / "socket"))
    os.utime(home / "none", (0, 0))
    (home / "run.sh").write_text("#!/bin/sh\n")
    (home / "run.sh").chmod(0o755)
    return home


def packed(home: Path, **options: object) -> tuple[Path, Archived]:
    target = home.parent / "archives" / "ada.zip"
    return target, archive(home, target, account="ada", workshop="school", **options)  # type: ignore[arg-type]


def test_every_file_is_in_it_with_its_content(home: Path) -> None:
    target, done = packed(home)
    sums = {
        path.relative_to(home): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    with zipfile.ZipFile(target) as found:
        assert found.testzip() is None
        names = [n for n in found.namelist() if n.startswith("home/") and not n.endswith("/")]
        links = {n for n in names if (found.getinfo(n).external_attr >> 28) == 0o12}
        inside = sorted(hashlib.sha256(found.read(n)).hexdigest() for n in {*names} - links)
        assert inside == sorted(sums.values())
        for path, checksum in sums.items():
            name = f"home/{path}"
            if name in names:
                assert hashlib.sha256(found.read(name)).hexdigest() == checksum
        assert "home/work/empty/" in found.namelist()
        assert (found.getinfo("home/run.sh").external_attr >> 16) & 0o777 == 0o755
    assert done.files == len(sums)
    assert done.bytes == target.stat().st_size
    assert done.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert target.stat().st_mode & 0o777 == 0o600


def test_links_are_not_followed(home: Path) -> None:
    target, _ = packed(home)
    with zipfile.ZipFile(target) as found:
        for info in found.infolist():
            assert SECRET.encode() not in found.read(info)
        assert found.read("home/to-file").decode() == str(home.parent / "secret")


def test_sha256sum_finds_all_files_as_they_were(home: Path, tmp_path: Path) -> None:
    """Unpacked with Info-ZIP and checked with coreutils: neither is ours."""
    if not shutil.which("unzip"):
        pytest.skip("needs the Debian package unzip: make tools")
    target, _ = packed(home)
    subprocess.run(["unzip", "-q", target, "-d", tmp_path / "out"], check=True)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=tmp_path / "out",
        text=True,
        capture_output=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert (tmp_path / "out" / "home" / "to-file").is_symlink()


def test_the_list_beside_it_checks_the_archive(home: Path) -> None:
    target, _ = packed(home)
    first = (target.parent / "ada.zip.sha256").read_bytes().splitlines()[0]
    checked = subprocess.run(["sha256sum", "--check"], cwd=target.parent, input=first)
    assert checked.returncode == 0


def test_the_readme_names_what_is_unusual(home: Path) -> None:
    target, _ = packed(home)
    with zipfile.ZipFile(target) as found:
        text = found.read("README.txt").decode()
    for word in ("'home/pipe'", "'home/socket'", "'home/to-nothing' -> 'nowhere'", "%FF"):
        assert word in text
    assert "school" in text


def test_a_file_that_changes_meanwhile_is_noticed(home: Path) -> None:
    seen = 0

    def change(size: int) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            (home / "work" / "a.ipynb").write_text("[]")

    with pytest.raises(HomeError, match="changed"):
        packed(home, progress=change)
    assert not list((home.parent / "archives").iterdir())


def test_a_new_file_meanwhile_is_noticed(home: Path) -> None:
    with pytest.raises(HomeError, match="changed"):
        packed(home, progress=lambda size: (home / "new").touch())


def test_a_file_that_becomes_a_link_is_not_followed(home: Path) -> None:
    def swap(size: int) -> None:
        victim = home / "run.sh"
        if not victim.is_symlink():
            victim.unlink()
            victim.symlink_to(home.parent / "secret")

    with pytest.raises(HomeError):
        packed(home, progress=swap)


def test_a_folder_that_becomes_a_link_is_not_followed(home: Path) -> None:
    (home / "z").mkdir()
    (home / "z" / "secret").write_text("mine, not for root")
    done = []

    def swap(size: int) -> None:
        if not done:
            done.append(True)
            (home / "z").rename(home / "y")
            (home / "z").symlink_to(home.parent / "outside")

    with pytest.raises(HomeError):
        packed(home, progress=swap)


def test_a_damaged_archive_is_noticed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that returns other bytes than were written."""
    compare = module._Packing.compare

    def damaged(self: module._Packing, path: Path, sums: dict[str, str]) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        compare(self, path, sums)

    monkeypatch.setattr(module._Packing, "compare", damaged)
    with pytest.raises(WorkshopError, match=r"changed|could not be read back"):
        packed(home)
    assert not list((home.parent / "archives").glob("*.zip"))


def test_a_file_that_claims_more_than_a_disk(home: Path) -> None:
    with (home / "huge").open("wb") as file:
        try:
            file.truncate(2 * 2**40)
        except OSError:
            pytest.skip("this file system has no files of 2 TB")
    with pytest.raises(HomeError, match="huge: claims 2 TB"):
        packed(home)


def test_very_deep_folders_are_refused_with_a_sentence(home: Path) -> None:
    where = home
    for _ in range(210):
        where /= "d"
        where.mkdir()
    with pytest.raises(HomeError, match="more than 200 folders within each other"):
        packed(home)


def test_an_unreadable_file_is_named(home: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything; run the tests as another user")
    (home / "work").chmod(0)
    with pytest.raises(HomeError, match="chmod -R"):
        packed(home)


def test_room_is_left_on_the_disk(home: Path) -> None:
    with pytest.raises(DiskFull, match="Nothing of ada was removed"):
        packed(home, room=2**60)
    assert not list((home.parent / "archives").iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", megabytes=2) as mounted:
        yield mounted.path


def test_a_disk_that_fills_up(home: Path, disk: Path) -> None:
    with pytest.raises(DiskFull, match="Make room"):
        archive(home, disk / "ada.zip", account="ada", workshop="school", room=0)
    assert not list(disk.glob("*.zip")) + list(disk.glob(".*.part"))
    assert (home / "random").exists()
