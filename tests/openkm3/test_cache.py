"""The cache holds whole files only, whatever happens on the way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

from openkm3.cache import Cache
from openkm3.errors import DownloadError, OpenKM3Error, ServerError
from tests.openkm3.odc import OpenDataCenter
from tests.small_disk import small_disk


@pytest.fixture
def cache(center: OpenDataCenter, tmp_path: Path) -> Cache:
    return Cache(tmp_path / "files", center.url, timeout=5)


@pytest.fixture
def file(center: OpenDataCenter) -> Path:
    """Return a file on the server that tests change."""
    path = center.folder / "storage" / "file.bin"
    path.write_bytes(os.urandom(300_000))
    return path


def parts(cache: Cache) -> list[Path]:
    return list(cache.folder.rglob(".part-*"))


def test_a_cached_file_is_requested_again_only_with_its_etag(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    url = f"{center.url}/storage/file.bin"
    first = cache.fetch(url)
    assert first.file.read_bytes() == file.read_bytes()
    assert first.fresh
    again = cache.fetch(url)
    assert not again.fresh
    assert [status for _, status in center.requests] == [200, 304]
    file.write_bytes(b"new")
    assert cache.fetch(url).file.read_bytes() == b"new"


def test_a_cached_file_of_known_sha256_is_not_requested_again(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    url, digest = f"{center.url}/storage/file.bin", hashlib.sha256(file.read_bytes()).hexdigest()
    for _ in range(2):
        cache.fetch(url, sha256=digest, size=300_000)
    assert len(center.requests) == 1


def test_a_server_that_dies_in_mid_download_changes_nothing(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    url = f"{center.url}/storage/file.bin"
    center.breaks["/storage/file.bin"] = 100_000
    with pytest.raises(DownloadError, match="was interrupted"):
        cache.fetch(url)
    assert cache.cached(url) is None
    center.breaks.clear()
    good = cache.fetch(url)
    before = good.file.read_bytes()
    file.write_bytes(os.urandom(300_000))
    for length in (0, 1, 299_999):
        center.breaks["/storage/file.bin"] = length
        with pytest.raises(DownloadError, match="was interrupted"):
            cache.fetch(url)
    kept = cache.cached(url)
    assert kept is not None
    assert kept.file.read_bytes() == before
    assert parts(cache) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"sha256": "0" * 64}, "sha256 differs"),
        ({"size": 299_999}, "larger than the expected 299999 bytes"),
        ({"size": 300_001}, "300000 of 300001 bytes arrived"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused(
    cache: Cache, center: OpenDataCenter, file: Path, expected: dict[str, object], words: str
) -> None:
    url = f"{center.url}/storage/file.bin"
    with pytest.raises(DownloadError, match=words):
        cache.fetch(url, **expected)  # type: ignore[arg-type]
    assert cache.cached(url) is None
    assert parts(cache) == []


def test_names_from_addresses_stay_in_the_cache(cache: Cache, center: OpenDataCenter) -> None:
    for number, path in enumerate(
        ("..%2F..%2Fescape", "%2Fetc%2Fpasswd", "%00", ".hidden", "a" * 500, "c:%5Cx")
    ):
        secret = center.folder / "storage" / path
        if len(path) < 200:
            secret.write_bytes(str(number).encode())
        else:
            continue
        cached = cache.fetch(f"{center.url}/storage/{path}")
        assert cached.file.resolve().is_relative_to(cache.folder.resolve())
        assert not cached.file.name.startswith(".")


def test_a_damaged_index_or_file_counts_as_not_there(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    url = f"{center.url}/storage/file.bin"
    cached = cache.fetch(url)
    cached.file.write_bytes(b"cut")
    assert cache.cached(url) is None
    assert cache.fetch(url).file.read_bytes() == file.read_bytes()
    (index,) = (cache.folder / "index").glob("*.json")
    for content in ("", "{", "[]", '{"path": "/etc/passwd"}'):
        index.write_text(content)
        assert cache.cached(url) is None


def test_an_index_that_points_outside_is_not_followed(
    cache: Cache, center: OpenDataCenter, file: Path, tmp_path: Path
) -> None:
    url = f"{center.url}/storage/file.bin"
    cached = cache.fetch(url)
    outside = tmp_path / "outside"
    outside.write_bytes(file.read_bytes())
    (index,) = (cache.folder / "index").glob("*.json")
    index.write_text(index.read_text().replace(str(cached.file), str(outside)))
    assert cache.cached(url) is None


def test_a_missing_file_or_server_is_an_error(cache: Cache, center: OpenDataCenter) -> None:
    with pytest.raises(ServerError, match="answers 404 Not Found"):
        cache.fetch(f"{center.url}/storage/nothing")
    with pytest.raises(ServerError, match="cannot be reached"):
        cache.fetch("http://127.0.0.1:9/x")


def test_a_cache_that_is_not_writable_is_an_error(center: OpenDataCenter, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    with pytest.raises(OpenKM3Error, match="set OPENKM3_CACHE"):
        Cache(tmp_path / "blocked", center.url).fetch(f"{center.url}/catalog.json")


WRITER = """
import sys
from pathlib import Path
from openkm3.cache import Cache
folder, server, url = sys.argv[1:]
for _ in range(20):
    cached = Cache(Path(folder), server).fetch(url)
    assert cached.file.stat().st_size == cached.size, "half a file"
print(cached.sha256)
"""


def test_several_processes_share_one_cache(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    url = f"{center.url}/storage/file.bin"
    command = [sys.executable, "-c", WRITER, str(cache.folder.parent), center.url, url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    contents = set()
    while any(process.poll() is None for process in processes):
        content = os.urandom(300_000)
        contents.add(hashlib.sha256(content).hexdigest())
        temporary = file.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(file)
        try:
            processes[0].wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    results = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    original = cache.cached(url)
    assert original is not None
    assert hashlib.sha256(original.file.read_bytes()).hexdigest() == original.sha256
    assert all(len(result) == 64 for result in results)
    assert parts(cache) == []


def test_two_that_want_the_same_file_download_it_once(
    cache: Cache, center: OpenDataCenter, file: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda _: cache.fetch(f"{center.url}/storage/file.bin", sha256=digest), range(8)
            )
        )
    assert {cached.sha256 for cached in found} == {digest}
    assert len(center.requests) == 1


def test_a_full_disk_keeps_what_is_cached_and_is_named(
    center: OpenDataCenter, file: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        cache = Cache(disk.path / "cache", center.url, timeout=5)
        url, other = f"{center.url}/storage/file.bin", f"{center.url}/storage/bkg.json"
        kept = cache.fetch(url)
        content = kept.file.read_bytes()
        disk.fill()
        for _ in range(2):
            assert cache.fetch(url).file.read_bytes() == content  # the server answers 304
            with pytest.raises(OpenKM3Error, match=r"OPENKM3_CACHE|free some space"):
                cache.fetch(other)
        file.write_bytes(os.urandom(300_000))
        with pytest.raises(OpenKM3Error, match="free some space"):
            cache.fetch(url)
        found = cache.cached(url)
        assert found is not None
        assert found.file.read_bytes() == content
        assert parts(cache) == []
        disk.empty()
        assert cache.fetch(url).file.read_bytes() == file.read_bytes()
        assert cache.fetch(other).size > 0
