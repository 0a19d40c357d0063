"""What a server sends harms nothing: sizes, names, checksums, control characters."""

from __future__ import annotations

import gzip
import hashlib
import socket
import sys
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

from openkm3.errors import DownloadError, OpenKM3Error, ServerError
from openkm3.library import Library
from openkm3.settings import Settings
from tests.commands import run

from .server import Hostile, endless, send


@pytest.mark.parametrize("variable", ["OPENKM3_MAX_CATALOGUE", "OPENKM3_MAX_DOWNLOAD"])
@pytest.mark.parametrize("text", ["much", "-1", "0", "inf", "nan"])
def test_a_wrong_limit_is_refused_as_a_setting(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(OpenKM3Error, match=f"{variable} = '{text}' is not a number of bytes"):
        Settings.find()


@pytest.mark.parametrize("declared", [True, False])
def test_a_catalogue_has_a_largest_size(
    hostile: Hostile, declared: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENKM3_MAX_CATALOGUE", "1e6")
    hostile.answers["/catalog.json"] = send(b" " * 2_000_000) if declared else endless
    with pytest.raises(DownloadError, match=r"limit of 1 MB.*OPENKM3_MAX_CATALOGUE"):
        Library()
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.suffix != ".lock"] == []


def test_a_catalogue_has_a_largest_size_without_any_setting(hostile: Hostile) -> None:
    hostile.answers["/catalog.json"] = send(b"", Content_Length=str(65 * 2**20))
    with pytest.raises(DownloadError, match=r"limit of 67\.1 MB"):
        Library()


def test_a_cached_catalogue_above_the_limit_is_not_read(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.publish(title="x" * 5000)
    Library()
    monkeypatch.setenv("OPENKM3_MAX_CATALOGUE", "1000")
    with pytest.raises(OpenKM3Error, match="limit"):
        Library()


@pytest.mark.parametrize("size", [None, 10**15])
def test_a_file_has_a_largest_size_whatever_the_catalogue_says(
    hostile: Hostile, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENKM3_MAX_DOWNLOAD", "1e6")
    hostile.answers["/file"] = endless
    hostile.publish(url="file", filename="x.raw", size=size)
    library = Library()
    with pytest.raises(DownloadError, match=r"limit of 1 MB.*OPENKM3_MAX_DOWNLOAD"):
        library.file(library.catalogue["x20_01"])
    assert library.local(library.catalogue["x20_01"]) is None


def test_a_file_larger_than_the_disk_is_refused_before_it_arrives(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENKM3_MAX_DOWNLOAD", "1e18")
    hostile.answers["/file"] = send(b"x", Content_Length=str(10**16))
    hostile.publish(url="file", filename="x.raw")
    library = Library()
    with pytest.raises(DownloadError, match="MB free"):
        library.file(library.catalogue["x20_01"])


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_decompression_bomb_is_not_expanded(hostile: Hostile, coding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    hostile.answers["/catalog.json"] = send(bomb, Content_Encoding=coding)
    with pytest.raises(DownloadError, match="compresses"):
        Library()


NAMES = ["../../evil", "/etc/passwd", "..", "a/b", "c:\\x", ".hidden", "x\0y", "-rf", "a\nb", ""]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_out_of_the_cache_makes_the_catalogue_invalid(
    hostile: Hostile, name: str
) -> None:
    hostile.publish(url="file", filename=name)
    with pytest.raises(ServerError, match="filename"):
        Library()


@pytest.mark.parametrize(
    "path", ["..%2f..%2fevil", "%2e%2e", "a%00b", "%5c..%5cx", "x%0ay", "%2fetc"]
)
def test_an_address_chooses_no_place_outside_the_cache(
    hostile: Hostile, path: str, tmp_path: Path
) -> None:
    hostile.answers["*"] = send(b"data")
    hostile.publish(url=f"files/{path}")
    library = Library()
    file = library.file(library.catalogue["x20_01"]).file
    assert file.resolve().is_relative_to((tmp_path / "cache").resolve())
    assert file.parent.parent.name == "files"


def test_a_file_that_differs_from_its_checksum_is_refused(hostile: Hostile) -> None:
    hostile.answers["/file"] = send(b"other")
    hostile.publish(url="file", filename="x.raw", sha256=hashlib.sha256(b"right").hexdigest())
    library = Library()
    with pytest.raises(DownloadError, match="sha256 differs"):
        library.file(library.catalogue["x20_01"])
    assert library.local(library.catalogue["x20_01"]) is None


def _deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "content",
    [
        _deep(100_000),
        b'{"format": "openkm3-catalogue", "version": "1.0", "entries": ' + _deep(900) + b"}",
        b'{"format": "openkm3-catalogue", "version": "1.0", "title": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe\x00",
        b'{"a": "\\ud800"}',
    ],
)
def test_a_malformed_catalogue_is_refused_in_a_sentence(hostile: Hostile, content: bytes) -> None:
    hostile.answers["/catalog.json"] = send(content)
    with pytest.raises(ServerError, match="Check that"):
        Library()


def test_texts_cannot_control_the_terminal(hostile: Hostile) -> None:
    hostile.publish(title="evil \x1b]0;owned\x07\x1b[2J\x9b31m", kind="collection")
    listed = run(sys.executable, "-m", "openkm3", "list").stdout
    assert "evil" in listed
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in listed.replace("\n", ""))


def test_a_server_that_closes_at_once_is_an_error_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path / "cache"))

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(OpenKM3Error, match=r"interrupted|cannot be reached"):
            Library(f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()
