"""Programs that people use for WebDAV, on a real server."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.conftest import StartLab
from tests.lab.running import TOKEN, LabServer


@pytest.fixture
def server(start_lab: StartLab, home: Path) -> LabServer:
    return start_lab(home)


@pytest.fixture
def client_home(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    folder.mkdir()
    return folder


def program(name: str) -> str:
    """The path of a program, or the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs the program {name}: `make tools` installs it")
    return found


def run(command: list[str], folder: Path, **options: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **options}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("suite", "passes"), [("basic", 16), ("copymove", 13), ("http", 4), ("locks", 38)]
)
def test_litmus(server: LabServer, client_home: Path, suite: str, passes: int) -> None:
    # The three other tests of locks need properties of a user's own, which are not kept.
    command = [program("litmus"), "-k", f"{server.url}dav/", "me", TOKEN]
    environment = {"PATH": os.environ["PATH"], "HOME": str(client_home), "TESTS": suite}
    done = subprocess.run(
        command, cwd=client_home, env=environment, capture_output=True, text=True, timeout=180
    )
    found = re.search(r"tests run: (\d+) passed", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) == passes, done.stdout
    refused = re.findall(r"(\w+)\.* FAIL", done.stdout)
    assert set(refused) <= {"owner_modify"}


@pytest.mark.parametrize("login", ["password", "bearer"])
def test_rclone_copies_in_both_directions(
    server: LabServer, home: Path, client_home: Path, login: str
) -> None:
    rclone = program("rclone")
    here, back = client_home / "here", client_home / "back"
    (here / "a folder" / "é").mkdir(parents=True)
    (here / "a folder" / "é" / "100 %.txt").write_text("text")
    (here / "large.bin").write_bytes(os.urandom(9_000_001))
    (here / "empty").touch()
    settings = {"RCLONE_CONFIG_HUB_TYPE": "webdav", "RCLONE_CONFIG_HUB_URL": f"{server.url}dav"}
    if login == "bearer":
        settings["RCLONE_CONFIG_HUB_BEARER_TOKEN"] = TOKEN
    else:
        obscured = run([rclone, "obscure", TOKEN], client_home).strip()
        settings |= {"RCLONE_CONFIG_HUB_USER": "me", "RCLONE_CONFIG_HUB_PASS": obscured}
    run([rclone, "copy", str(here), "hub:from-outside"], client_home, **settings)
    run([rclone, "copy", "hub:from-outside", str(back)], client_home, **settings)

    def sums(folder: Path) -> dict[str, str]:
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }

    assert len(sums(here)) == 3
    assert sums(here) == sums(home / "from-outside") == sums(back)
    run([rclone, "moveto", "hub:from-outside/large.bin", "hub:big.bin"], client_home, **settings)
    assert (home / "big.bin").stat().st_size == 9_000_001
    run([rclone, "purge", "hub:from-outside"], client_home, **settings)
    assert not (home / "from-outside").exists()


def test_rclone_works_as_documented(server: LabServer, home: Path, client_home: Path) -> None:
    (client_home / "results").mkdir()
    (client_home / "results" / "a.txt").write_text("a")
    command = [program("rclone"), "copy", "results", ":webdav:results"]
    command += ["--webdav-url", f"{server.url}dav"]
    run(command, client_home, RCLONE_WEBDAV_BEARER_TOKEN=TOKEN)
    assert (home / "results" / "a.txt").read_text() == "a"


def test_cadaver_lists_gets_puts_and_moves(
    server: LabServer, home: Path, client_home: Path
) -> None:
    cadaver = program("cadaver")
    (client_home / ".netrc").write_text(f"machine 127.0.0.1\nlogin me\npassword {TOKEN}\n")
    (client_home / ".netrc").chmod(0o600)
    (client_home / "up.txt").write_text("up")
    (home / "down.txt").write_text("down")
    script = "ls\nget down.txt\nmkcol new\nput up.txt new/up.txt\nmove new/up.txt moved.txt\nquit\n"
    done = subprocess.run(
        [cadaver, f"{server.url}dav/"], input=script, cwd=client_home, text=True, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(client_home)}, capture_output=True,
    )  # fmt: skip
    assert "down.txt" in done.stdout, done.stdout + done.stderr
    assert (client_home / "down.txt").read_text() == "down"
    assert (home / "moved.txt").read_text() == "up"
    assert list((home / "new").iterdir()) == []


def test_curl_sends_and_fetches(server: LabServer, home: Path, client_home: Path) -> None:
    curl = [program("curl"), "-sS", "--fail", "--user", f"me:{TOKEN}"]
    (client_home / "a.txt").write_text("a")
    run([*curl, "-T", "a.txt", f"{server.url}dav/"], client_home)
    assert (home / "a.txt").read_text() == "a"
    run([*curl, "-o", "b.txt", f"{server.url}dav/a.txt"], client_home)
    assert (client_home / "b.txt").read_text() == "a"
