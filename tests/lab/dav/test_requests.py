"""The address `/dav/` of a real server: who gets in, and what happens to files."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import httpx
import psutil
import pytest

from tests.lab.conftest import StartLab
from tests.lab.running import TOKEN, LabServer
from tests.small_disk import small_disk
from tests.waiting import wait_until

D = "{DAV:}"
MB = 1 << 20


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(lab_environment: Path, shared_home: Path) -> object:
    server = LabServer(shared_home, shared_home.parent / "dav.log").start()
    yield server
    server.stop()


@pytest.fixture
def dav(server: LabServer) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}dav/", auth=("anybody", TOKEN), timeout=90)


def listed(answer: httpx.Response) -> dict[str, str]:
    """Each address of a listing, with its length."""
    assert answer.status_code == 207, answer.text
    tree = ElementTree.fromstring(answer.content)  # noqa: S314 -- our own server
    return {
        found.findtext(f"{D}href", ""): found.findtext(f".//{D}getcontentlength", "")
        for found in tree.iter(f"{D}response")
    }


def test_without_a_token_the_program_is_asked_for_one(server: LabServer) -> None:
    for auth in (None, ("me", "wrong"), ("me", "")):
        for method in ("GET", "PROPFIND", "PUT", "OPTIONS"):
            answer = httpx.request(method, f"{server.url}dav/a", auth=auth, timeout=60)
            assert answer.status_code == 401, method
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert "set-cookie" not in answer.headers


def test_no_cookie_and_no_token_in_the_address_lets_in(server: LabServer) -> None:
    browser = httpx.Client(base_url=server.url, timeout=60)
    assert browser.get("lab", params={"token": TOKEN}).is_success
    assert browser.get("api/contents").is_success, "the browser is logged in by its cookie"
    token = {"X-XSRFToken": browser.cookies.get("_xsrf", "")}
    for method in ("GET", "PUT", "DELETE", "MKCOL", "PROPFIND"):
        assert browser.request(method, "dav/stolen", headers=token).status_code == 401
        assert browser.request(method, f"dav/stolen?token={TOKEN}").status_code == 401
    assert not (server.home / "stolen").exists()


@pytest.mark.parametrize(
    "header", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
               {"Sec-Fetch-Mode": "navigate"}, {"Origin": "null"}],
)  # fmt: skip
def test_a_browser_that_remembers_the_password_is_refused(
    dav: httpx.Client, server: LabServer, header: dict[str, str]
) -> None:
    assert dav.put("forged", content=b"x", headers=header).status_code == 403
    assert dav.get("", headers=header).status_code == 403
    assert not (server.home / "forged").exists()


def test_files_come_and_go(dav: httpx.Client, server: LabServer) -> None:
    name = "spéc 1 & <2> #%.txt"
    assert dav.request("MKCOL", "été").status_code == 201
    path = f"été/{name.replace('%', '%25').replace('#', '%23')}"
    answer = dav.put(path, content=b"0123456789")
    assert answer.status_code == 201
    assert (server.home / "été" / name).read_bytes() == b"0123456789"
    found = listed(dav.request("PROPFIND", "été/", headers={"Depth": "1"}))
    assert sorted(found.values()) == ["", "10"]
    for address in found:
        assert dav.get(httpx.URL(server.url).join(address)).is_success
    tag = dav.get(path).headers["ETag"]
    assert tag == answer.headers["ETag"]
    part = dav.get(path, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert dav.get(path, headers={"Range": "bytes=20-"}).status_code == 416
    assert dav.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert dav.head(path).headers["Content-Length"] == "10"


def test_a_change_of_an_older_version_is_refused_and_nothing_is_lost(
    dav: httpx.Client, server: LabServer
) -> None:
    old = dav.put("report.txt", content=b"one").headers["ETag"]
    file = server.home / "report.txt"
    file.chmod(0o640)
    assert dav.put("report.txt", content=b"two", headers={"If-Match": old}).status_code == 204
    answer = dav.put("report.txt", content=b"three", headers={"If-Match": old})
    assert (answer.status_code, file.read_bytes()) == (412, b"two")
    assert "changed in the meantime" in answer.text
    assert dav.put("report.txt", content=b"", headers={"If-None-Match": "*"}).status_code == 412
    assert dav.delete("report.txt", headers={"If-Match": old}).status_code == 412
    assert file.stat().st_mode & 0o777 == 0o640
    no = {"Destination": f"{server.url}dav/report.txt", "Overwrite": "F"}
    dav.put("other.txt", content=b"other")
    assert dav.request("MOVE", "other.txt", headers=no).status_code == 412
    assert file.read_bytes() == b"two"


def test_an_upload_that_is_cut_off_changes_nothing(dav: httpx.Client, server: LabServer) -> None:
    dav.put("kept.bin", content=b"before")

    def cut() -> object:
        yield b"x" * 3 * MB
        raise ConnectionAbortedError("the network failed")

    with pytest.raises(ConnectionAbortedError):
        dav.put("kept.bin", content=cut())
    assert (server.home / "kept.bin").read_bytes() == b"before"

    def clean() -> bool:
        return not list(server.home.glob(".km3-transfer-*"))

    wait_until(clean, seconds=60, what="the rest of the upload is removed")


def test_a_full_disk_is_reported_and_the_old_file_stays(
    lab_environment: Path, start_lab: StartLab, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        server = start_lab(disk.path)
        address = f"{server.url}dav/data.bin"
        with httpx.Client(auth=("me", TOKEN), timeout=90) as client:
            assert client.put(address, content=b"before").status_code == 201
            answer = client.put(address, content=b"x" * 40 * MB)
            assert answer.status_code == 507
            assert "full" in answer.text
            assert client.get(address).content == b"before"


def test_a_whole_tree_is_not_listed_at_once(dav: httpx.Client) -> None:
    for headers in ({}, {"Depth": "infinity"}):
        answer = dav.request("PROPFIND", "", headers=headers)
        assert answer.status_code == 403
        assert "propfind-finite-depth" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
        b'<propfind xmlns="DAV:"><prop><a>&b;</a></prop></propfind>',
        b"<other/>",
    ],
)
def test_hostile_xml_is_refused(dav: httpx.Client, body: bytes) -> None:
    answer = dav.request("PROPFIND", "", content=body, headers={"Depth": "0"})
    assert answer.status_code == 400
    assert "root:" not in answer.text


def test_long_requests_are_refused(dav: httpx.Client) -> None:
    answer = dav.request("PROPFIND", "", content=b" " * 200_000, headers={"Depth": "0"})
    assert answer.status_code == 413


def test_files_outside_the_home_stay_out_of_reach(
    dav: httpx.Client, server: LabServer, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (server.home / "out").symlink_to(tmp_path)
    os.mkfifo(server.home / "pipe")
    assert dav.get("out/secret").status_code == 403
    assert dav.put("out/new", content=b"x").status_code == 403
    assert dav.get("pipe").status_code == 403
    assert dav.put("pipe", content=b"x").status_code == 403
    assert dav.get("%2e%2e/secret").status_code == 400
    away = {"Destination": "http://other.example/dav/a"}
    assert dav.request("COPY", "kept.bin", headers=away).status_code in (404, 502)
    assert os.listdir(tmp_path) == ["secret"]


def test_a_large_file_does_not_fill_the_memory(dav: httpx.Client, server: LabServer) -> None:
    assert server.process is not None
    process, size = psutil.Process(server.process.pid), 200 * MB
    before = highest = process.memory_info().rss

    def pieces() -> object:
        nonlocal highest
        for _ in range(size // MB):
            yield b"\1" * MB
            highest = max(highest, process.memory_info().rss)

    assert dav.put("large.bin", content=pieces()).status_code == 201
    received = 0
    with dav.stream("GET", "large.bin") as answer:
        for piece in answer.iter_raw():
            received += len(piece)
            highest = max(highest, process.memory_info().rss)
    assert received == size
    assert highest - before < 50 * MB
    dav.delete("large.bin")
