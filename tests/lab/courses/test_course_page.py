"""The page of a link to a course's repository, with a git server of this machine."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.lab.conftest import StartLab


def git(folder: Path, *arguments: str) -> str:
    options = ["-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    command = ["git", *options, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


class GitHandler(http.server.CGIHTTPRequestHandler):
    """Git's own server program, with the rights of this process."""

    have_fork = False

    def is_cgi(self) -> bool:
        self.cgi_info = ("", "git-http-backend" + self.path)
        return True

    def translate_path(self, path: str) -> str:
        backend = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
        return backend.stdout.strip() + "/git-http-backend"

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course's repository with a link out of it and a submodule."""
    folder = tmp_path / "repositories" / "course"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "sheet.md").write_text("one")
    (folder / "passwd").symlink_to("/etc/passwd")
    git(folder, "add", ".")
    module = "160000,1111111111111111111111111111111111111111,module"
    git(folder, "update-index", "--add", "--cacheinfo", module)
    git(folder, "commit", "-q", "-m", "Start")
    return folder


@pytest.fixture
def address(course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("GIT_PROJECT_ROOT", str(course.parent))
    monkeypatch.setenv("GIT_HTTP_EXPORT_ALL", "1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/course/.git"
        server.shutdown()
        thread.join()


def test_page_asks_once_then_fetches_and_merges(
    start_lab: StartLab, home: Path, course: Path, address: str
) -> None:
    server = start_lab(home)
    link = {"repo": address, "branch": "main", "targetpath": "course"}
    asked = server.client.get("/git-pull", params=link, timeout=60)
    assert asked.status_code == httpx.codes.OK
    assert address in asked.text
    assert not (home / "course").exists()
    assert "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]
    assert asked.headers["X-Frame-Options"] == "DENY"

    done = server.client.post("/git-pull", params=link, timeout=60)
    assert (done.status_code, done.headers.get("Location")) == (303, "/lab/tree/course"), done.text
    assert [path.name for path in (home / "course").iterdir()] == ["sheet.md"]

    (home / "course" / "sheet.md").write_text("my work")
    (course / "sheet.md").write_text("two")
    git(course, "commit", "-q", "-a", "-m", "Change")
    again = server.client.get("/git-pull", params=link, timeout=60)
    assert again.status_code == httpx.codes.SEE_OTHER
    assert (home / "course" / "sheet.md").read_text() == "my work"
    assert (home / "course" / "sheet.new.md").read_text() == "two"


def test_answer_of_another_site_is_refused(start_lab: StartLab, home: Path, address: str) -> None:
    server = start_lab(home)
    # A browser that is logged in has a cookie and no token in a header.
    with httpx.Client(base_url=server.url, timeout=60) as browser:
        browser.get("/lab", params={"token": server.token}, follow_redirects=True)
        link = {"repo": address, "targetpath": "course"}
        assert browser.get("/git-pull", params=link).status_code == httpx.codes.OK
        answer = browser.post("/git-pull", params=link)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert not (home / "course").exists()
