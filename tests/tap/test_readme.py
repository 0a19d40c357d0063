"""The README's example and the programs in examples/ work as printed."""

from __future__ import annotations

import re
import shlex
import sys
import urllib.request
from pathlib import Path

import pytest
import pyvo

from tests import commands

from .server import Server

ROOT = Path(__file__).parents[2] / "platform" / "tap"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = re.search(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^    (adqlite .*)$", README, re.MULTILINE)


def run(*words: str | Path, folder: Path) -> str:
    done = commands.run(sys.executable, *words, cwd=folder, timeout=120)
    return done.stdout


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the README's program ran."""
    assert PROGRAM is not None
    folder = tmp_path_factory.mktemp("readme")
    run("-c", PROGRAM[1], folder=folder)
    return folder


def test_the_first_example_answers_a_client(published: Path) -> None:
    (command,) = COMMANDS
    program, *words = shlex.split(command)

    def with_port(port: int) -> list[str]:
        folder = published / words[1]
        return [sys.executable, "-m", program, words[0], str(folder), "--port", str(port)]

    server = Server(published, with_port)
    server.start()
    try:
        found = pyvo.dal.TAPService(f"{server.url}/tap").search("SELECT name FROM bright.stars")
        assert list(found["name"]) == ["Sirius", "Vega"]
        cone = pyvo.dal.SCSService(f"{server.url}/scs/bright/stars")
        assert list(cone.search(pos=(279, 39), radius=1)["name"]) == ["Vega"]
    finally:
        server.stop()


def test_the_shell_command_of_the_table_works(published: Path) -> None:
    listed = re.search(r"`adqlite (query published .*?)`", README)
    assert listed is not None
    out = run("-m", "adqlite", *shlex.split(listed[1]), folder=published)
    assert out.split() == ["name,ra,dec", "Sirius,101.287,-16.716", "Vega,279.235,38.784"]


def test_an_sqlite_file_is_published_and_queried_by_the_examples(tmp_path: Path) -> None:
    examples = ROOT / "examples"
    assert run(examples / "publish_sqlite.py", "out", folder=tmp_path) == (
        "messier.objects: 3 rows\n"
    )
    query = "SELECT m FROM messier.objects WHERE mag < 5 ORDER BY m"
    out = run(examples / "query.py", "out", query, folder=tmp_path)
    assert out.split()[-2:] == ["31", "45"]


def test_the_services_can_be_mounted_in_another_application(published: Path) -> None:
    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "uvicorn", "mounted:app", "--port", str(port)]

    variables = {
        "PYTHONPATH": str(ROOT / "examples"),
        "ADQLITE_FOLDER": str(published / "published"),
    }
    server = Server(published, command, "/vo", variables)
    server.start()
    try:
        with urllib.request.urlopen(server.url.removesuffix("/vo") + "/", timeout=30) as page:
            assert page.read().decode().split()[-1] == f"{server.url}/tap"
        tap = pyvo.dal.TAPService(f"{server.url}/tap")
        # The address of a job is below /vo as well, else the client would not find it.
        assert len(tap.run_async("SELECT * FROM bright.stars")) == 2
    finally:
        server.stop()


def test_uvicorn_serves_the_factory_of_the_table(published: Path) -> None:
    listed = re.search(r"`uvicorn (--factory \S+)` with `ADQLITE_FOLDER=(\w+)`", README)
    assert listed is not None

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "uvicorn", *listed[1].split(), "--port", str(port)]

    variables = {"ADQLITE_FOLDER": str(published / listed[2])}
    server = Server(published, command, "", variables)
    server.start()
    try:
        assert "bright.stars" in pyvo.dal.TAPService(f"{server.url}/tap").tables.keys()  # noqa: SIM118
    finally:
        server.stop()
