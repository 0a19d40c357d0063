"""A folder is downloaded as a zip archive: complete, without anything from elsewhere."""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from km3lab.archive import NOTE, FolderError, open_folder, write_zip
from tests.lab.running import LabServer
from tests.waiting import wait_until


def archive(folder: Path, name: str = "work") -> zipfile.ZipFile:
    sent: list[bytes] = []
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        write_zip(descriptor, name, sent.append)
    finally:
        os.close(descriptor)
    made = zipfile.ZipFile(io.BytesIO(b"".join(sent)))
    assert made.testzip() is None
    return made


def test_it_contains_every_file_of_any_name_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "leer").mkdir(parents=True)
    (tmp_path / "a" / "μ-ω.txt").write_text("neutrino")
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "x").write_text("a copy of JupyterLab")
    made = archive(tmp_path, "Ergebnisse ä")
    assert made.namelist() == [
        "Ergebnisse ä/",
        "Ergebnisse ä/.hidden",
        "Ergebnisse ä/a/",
        "Ergebnisse ä/a/leer/",
        "Ergebnisse ä/a/μ-ω.txt",
    ]
    assert made.read("Ergebnisse ä/a/μ-ω.txt") == b"neutrino"


def test_links_and_pipes_are_named_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("private")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "file-link").symlink_to(secret / "key")
    (folder / "folder-link").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    made = archive(folder)
    assert made.namelist() == ["work/", f"work/{NOTE}"]
    note = made.read(f"work/{NOTE}").decode()
    for name in ("file-link", "folder-link", "loop", "pipe"):
        assert f"work/{name}: a link, a pipe or a device" in note
    assert "private" not in note


def test_names_cannot_leave_the_folder_where_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "..\\..\\evil.exe").write_text("one")
    (tmp_path / ".._.._evil.exe").write_text("two")
    (tmp_path / os.fsdecode(b"not-utf8-\xff")).write_text("three")
    made = archive(tmp_path)
    names = made.namelist()
    assert all("\\" not in name and ".." not in name.split("/") for name in names)
    assert len(set(names)) == len(names) == 4
    assert sorted(made.read(name) for name in names[1:]) == [b"one", b"three", b"two"]


def test_a_file_that_changes_meanwhile_is_cut_or_named(tmp_path: Path) -> None:
    for name in ("grows", "shrinks"):
        (tmp_path / name).write_bytes(os.urandom(2 << 20))
    sent: list[bytes] = []

    def send(block: bytes) -> None:
        sent.append(block)
        if len(b"".join(sent[-1:])) and (tmp_path / "shrinks").stat().st_size > 10:
            started = sum(map(len, sent)) > (2 << 20) + (1 << 19)
            with (tmp_path / "grows").open("ab") as file:
                file.write(b"more")
            if started:
                os.truncate(tmp_path / "shrinks", 10)

    descriptor = os.open(tmp_path, os.O_RDONLY)
    write_zip(descriptor, "work", send)
    os.close(descriptor)
    made = zipfile.ZipFile(io.BytesIO(b"".join(sent)))
    assert made.testzip() is None
    assert made.getinfo("work/grows").file_size < (tmp_path / "grows").stat().st_size
    assert "work/shrinks: incomplete" in made.read(f"work/{NOTE}").decode()


def test_memory_stays_small(tmp_path: Path) -> None:
    with (tmp_path / "large.h5").open("wb") as file:
        file.truncate(200 << 20)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    tracemalloc.start()
    write_zip(descriptor, "work", lambda _: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    os.close(descriptor)
    assert peak < 8 << 20


@pytest.mark.parametrize(
    "path", ["", "/", "..", "a/../..", ".ssh", "a/.hidden", "link", "file", "no"]
)
def test_other_paths_are_refused_with_a_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "a" / ".hidden").mkdir(parents=True)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "file").touch()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FolderError, match=r"\.$"):
        open_folder(tmp_path, path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture(scope="module")
def server(lab_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    folder = tmp_path_factory.mktemp("downloads")
    made = LabServer(folder, folder / "server.log")
    try:
        yield made.start()
    finally:
        made.stop()


def test_a_server_sends_it(server: LabServer) -> None:
    folder = server.home / "Läufe 1"
    folder.mkdir()
    (folder / "run.txt").write_text("x" * 1_000_000)
    answer = server.client.get("/km3/folder/L%C3%A4ufe%201")
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''L%C3%A4ufe%201.zip"
    )
    made = zipfile.ZipFile(io.BytesIO(answer.content))
    assert made.read("Läufe 1/run.txt") == b"x" * 1_000_000
    assert stat.S_ISREG(made.getinfo("Läufe 1/run.txt").external_attr >> 16)


def test_a_browser_that_leaves_makes_room_for_the_next(server: LabServer) -> None:
    folder = server.home / "big"
    folder.mkdir()
    (folder / "noise").write_bytes(os.urandom(30 << 20))
    for _ in range(5):
        with server.client.stream("GET", "/km3/folder/big") as answer:
            assert answer.status_code in (httpx.codes.OK, httpx.codes.TOO_MANY_REQUESTS)
            next(answer.iter_raw(1024))
    wait_until(
        lambda: server.client.get("/km3/folder/big").status_code == httpx.codes.OK,
        seconds=90,
        what="a download after the abandoned ones",
    )


def test_nobody_downloads_without_a_login(server: LabServer) -> None:
    (server.home / "mine").mkdir(exist_ok=True)
    answer = httpx.get(f"{server.url}km3/folder/mine", timeout=60)
    assert answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.FOUND)


def test_a_missing_folder_is_named(server: LabServer) -> None:
    answer = server.client.get("/km3/folder/no-such")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.text == "no-such cannot be downloaded: it does not exist."
