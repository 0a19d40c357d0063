"""A person gets everything that the platform knows, and leaves nothing behind."""

from __future__ import annotations

import json
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import main
from km3hub.privacy.archive import writing
from km3hub.privacy.backups import backups_until, last_day
from km3hub.usage.ledger import Ledger, Run
from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub

PASSWORD = "kanugu-posifo-gemoka-87"


@pytest.fixture
def hub(start_hub: StartHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningHub]:
    """A hub on which `eve` has worked, and `eve-2` beside her."""
    hub = start_hub(settings="services: {opendata: {enabled: false}}")
    for name in ("eve", "eve-2"):
        hub.accounts.add(name, PASSWORD, groups=("experts",))
        with hub.client(follow_redirects=True) as client:
            client.login(name, PASSWORD)
            client.get("/hub/home")
            made = client.api("POST", f"/users/{name}/tokens", json={"note": f"of {name}"})
            assert made.status_code == 201
        home = hub.state.homes / name
        (home / "work").mkdir(parents=True)
        (home / "work" / "results.csv").write_text(f"energy of {name}\n")
        (home / "link").symlink_to("/etc/passwd")
        now = time.time()
        Ledger(hub.state.usage).add(Run(name, now - 60, now, 30.0))
        (hub.state.logs / f"server-{name}.log").write_text("started\n")
    (hub.state.logs / "hub.log").write_text("302 POST (eve@127.0.0.1)\n302 POST (eve-2@::1)\n")
    (hub.state.run / "port").write_text(str(hub.port))
    monkeypatch.setenv("KM3_STATE", str(hub.state.root))
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(hub.settings_file))
    monkeypatch.chdir(hub.folder)
    yield hub
    hub.stop()


def km3hub(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, ["accounts", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def content(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read().decode()
            for member in archive
            if member.isfile() and (file := archive.extractfile(member))
        }


def everything(folder: Path) -> bytes:
    """The bytes of all files of a state folder."""
    return b"\n".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_export_and_erasure(hub: RunningHub) -> None:
    result = km3hub("export", "eve")
    assert result.exit_code == 0, result.output
    archive = next(hub.folder.glob("eve-*.tar.gz"))
    assert archive.stat().st_mode & 0o777 == 0o600
    found = content(archive)
    assert json.loads(found["account.json"])["groups"] == ["experts"]
    said = json.loads(found["hub.json"])
    assert [token["note"] for token in said["tokens"] if token["note"] == "of eve"] == ["of eve"]
    assert json.loads(found["usage.json"])[0]["cpu_seconds"] == pytest.approx(30, abs=1)
    assert found["home/work/results.csv"] == "energy of eve\n"
    assert "hub.log: 302 POST (eve@127.0.0.1)" in found["log.txt"]
    assert "eve-2" not in "".join(found.values())
    assert "argon2" not in "".join(found.values())
    # Every file is explained.
    for name in found:
        assert name == "README.md" or f"`{name.split('/')[0]}" in found["README.md"], name
    with tarfile.open(archive) as tar:
        assert tar.getmember("home/link").issym()
    assert "root:" not in "".join(found.values())
    # Nothing is overwritten.
    assert "exists already" in km3hub("export", "eve").output

    assert km3hub("erase", "eve", stdin="n\n").exit_code == 1
    assert hub.accounts.get("eve")
    result = km3hub("erase", "eve", "--yes")
    assert result.exit_code == 0, result.output
    assert "No backups are set up by the platform on this machine" in result.output
    assert hub.accounts.get("eve") is None
    assert not (hub.state.homes / "eve").exists()
    with hub.client() as client:
        assert client.login("eve", PASSWORD).status_code == 403
    with sqlite3.connect(hub.state.database) as database:
        names = {row[0] for row in database.execute("SELECT name FROM users")}
        notes = {row[0] for row in database.execute("SELECT note FROM api_tokens")}
    assert "eve" not in names
    assert "of eve" not in notes
    assert Ledger(hub.state.usage).entries("eve") == []
    logs = everything(hub.state.logs).decode()
    assert "eve@127.0.0.1" not in logs
    assert not (hub.state.logs / "server-eve.log").exists()
    # Of the neighbour with a similar name nothing is missing.
    assert "eve-2@::1" in logs
    assert (hub.state.homes / "eve-2" / "work" / "results.csv").exists()
    assert "eve-2" in names
    assert "of eve-2" in notes
    assert (hub.state.logs / "server-eve-2.log").exists() or b"started" in everything(
        hub.state.logs
    )
    assert '"eve"' not in hub.state.sessions.read_text()
    # A second time is safe, and an export has nothing to say.
    assert km3hub("erase", "eve", "--yes").exit_code == 0
    assert km3hub("export", "eve", "--output", "again.tar.gz").exit_code == 0
    assert set(content(hub.folder / "again.tar.gz")) <= {"README.md", "log.txt"}


def test_of_two_people_with_one_name_only_the_present_one_is_exported_and_erased(
    hub: RunningHub,
) -> None:
    hub.accounts.remove("eve")
    hub.accounts.add("eve", PASSWORD)
    second = hub.state.homes / "eve.2"
    second.mkdir()
    (second / "own.txt").write_text("of the second eve")
    assert km3hub("export", "eve", "--output", "second.tar.gz").exit_code == 0
    found = content(hub.folder / "second.tar.gz")
    assert found["home/own.txt"] == "of the second eve"
    assert "home/work/results.csv" not in found
    result = km3hub("erase", "eve", "--yes")
    assert result.exit_code == 0, result.output
    assert not second.exists()
    assert (hub.state.homes / "eve" / "work" / "results.csv").exists()


def test_the_hub_must_be_running_to_erase(hub: RunningHub) -> None:
    hub.stop()
    result = km3hub("erase", "eve", "--yes")
    assert result.exit_code == 1
    assert "start it: make up" in result.output
    assert (hub.state.homes / "eve").exists()


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\nb", "."])
def test_a_name_that_leads_elsewhere_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KM3_STATE", str(tmp_path / "state"))
    for command in ("export", "erase"):
        result = km3hub(command, name)
        assert result.exit_code == 2
        assert "is not a user name" in result.output


def test_a_failed_export_leaves_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with pytest.raises(RuntimeError), writing(path, "x"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ({"daily": 7}, date(2026, 12, 8)),
        ({"daily": 7, "weekly": 4, "monthly": 6}, date(2027, 7, 5)),
        ({"daily": 7, "yearly": "unlimited"}, None),
        ({"within": "1y"}, None),
        ({}, date(2026, 12, 1)),
    ],
)
def test_the_date_of_the_last_backup(keep: dict[str, object], expected: date | None) -> None:
    assert last_day(keep, date(2026, 11, 30)) == expected


def test_the_sentence_about_backups(tmp_path: Path) -> None:
    file = tmp_path / "backup.json"
    today = date(2026, 11, 30)
    assert "No backups are set up" in backups_until(today, file)
    file.write_text('{"keep": {"daily": 7}, "password": "x"}')
    assert backups_until(today, file) == (
        "Backups contain the data until 2026-12-08 at the latest."
    )
    file.write_text('{"keep": {"yearly": "unlimited"}}')
    assert "without limit in time" in backups_until(today, file)
    for text in ("", "[]", "{}", '{"keep": 5}'):
        file.write_text(text)
        assert "cannot be read" in backups_until(today, file)
