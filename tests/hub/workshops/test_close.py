"""`km3hub workshop close` on a real hub: nothing is lost, and nothing is left."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from km3hub.teaching.desk import Desk
from km3hub.workshops.closing import Closing
from km3hub.workshops.downloads import Downloads
from tests.hub.conftest import StartHub
from tests.hub.running import Client, RunningHub
from tests.hub.workshops.running import workshop
from tests.small_disk import small_disk
from tests.waiting import wait_until

_WIRING = """
from km3hub.configure.workshops import configure_workshops
configure_workshops(c, platform, runtime)
"""
_names = iter(f"w{number}" for number in range(1, 1000))


@pytest.fixture(scope="module")
def running(start_hub: StartHub) -> RunningHub:
    hub = start_hub(config=_WIRING, settings="site: {public_url: null}")
    (hub.state.run / "port").write_text(str(hub.port))
    return hub


@pytest.fixture
def hub(running: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunningHub:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(running.settings_file))
    return running


@pytest.fixture
def name(hub: RunningHub) -> str:
    """A workshop of two, who have worked."""
    name = next(_names)
    result = workshop(hub.state.root, "create", name, "--participants=2", "--until=2999-01-31")
    assert result.exit_code == 0, result.output
    for number in (1, 2):
        home = hub.state.homes / f"{name}-0{number}"
        (home / "work").mkdir(parents=True)
        (home / "work" / "result.csv").write_text(f"energy,{number}\n")
        (home / "link").symlink_to("/etc/passwd")
    return name


def close(hub: RunningHub, name: str, *arguments: str) -> str:
    result = workshop(hub.state.root, "close", name, "--yes", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def links(path: str) -> dict[str, str]:
    text = Path(path).read_text(encoding="utf-8-sig")
    return {row["account"]: row["download link"] for row in csv.DictReader(io.StringIO(text))}


def fetch(browser: Client, link: str) -> httpx.Response:
    """What a browser does with the link."""
    address, _, secret = link.partition("#")
    page = address[address.index("/hub/") :]
    assert browser.get(page).is_success
    answer = browser.post(page, data={"secret": secret, "_xsrf": browser.xsrf()})
    if answer.status_code == httpx.codes.SEE_OTHER:
        return browser.get(answer.headers["Location"])
    return answer


def test_a_whole_workshop(hub: RunningHub, name: str) -> None:
    before = hashlib.sha256(b"energy,1\n").hexdigest()
    accounts = [f"{name}-01", f"{name}-02"]
    cards = Closing(hub.state).workshops.cards(name).read()
    with hub.client(follow_redirects=True) as participant:
        participant.login(accounts[0], cards[accounts[0]].password)
        participant.api("POST", f"/users/{accounts[0]}/server")
        wait_until(
            lambda: participant.api("GET", f"/users/{accounts[0]}").json()["server"],
            seconds=60,
            what="the server runs",
        )
        printed = close(hub, name)
        assert participant.get("/hub/home").url.path == "/hub/login"
    assert f"{accounts[0]}: 1 files" in printed
    assert not hub.accounts.get(accounts[0])
    assert not (hub.state.homes / accounts[0]).exists()
    assert hub.accounts.get("ada")
    written = Path(f"{name}-downloads.csv")
    assert written.stat().st_mode & 0o777 == 0o600
    found = links(str(written))
    assert set(found) == set(accounts)
    with hub.client() as browser:
        answer = fetch(browser, found[accounts[0]])
        assert answer.status_code == httpx.codes.OK
        assert answer.headers["Content-Disposition"] == "attachment"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            content = packed.read("home/work/result.csv")
            assert hashlib.sha256(content).hexdigest() == before
            assert f"{before}  home/work/result.csv" in packed.read("SHA256SUMS").decode()
        # An interrupted download goes on.
        part = browser.get(f"/hub/archive-file/{accounts[0]}.zip", headers={"Range": "bytes=10-19"})
        assert part.status_code == httpx.codes.PARTIAL_CONTENT
        assert part.content == answer.content[10:20]
        # With this link, nothing else.
        assert browser.get(f"/hub/archive-file/{accounts[1]}.zip").status_code == 404
    shown = workshop(hub.state.root, "downloads", name).output
    assert "removed" in shown
    again = workshop(hub.state.root, "close", name, "--yes", "--links=x.csv")
    assert again.exit_code == 1
    assert "is closed" in again.output


def test_what_teachers_sent_goes_with_the_workshop(hub: RunningHub, name: str) -> None:
    desk = Desk(hub.state.teaching, hub.state.teaching_files)
    other = f"{name}-other"
    for workshop_name in (name, other):
        desk.messages.send(workshop_name, "tess", None, "Lunch at noon")
    close(hub, name)
    assert desk.messages.sent(name) == []
    assert [message.text for message in desk.messages.sent(other)] == ["Lunch at noon"]


def test_the_secret_is_stored_nowhere_and_logged_nowhere(hub: RunningHub, name: str) -> None:
    close(hub, name)
    secret = next(iter(links(f"{name}-downloads.csv").values())).partition("#")[2]
    with hub.client() as browser:
        assert fetch(browser, f"/hub/archive#{secret}").is_success
    for path in hub.state.root.rglob("*"):
        if path.is_file() and "node_modules" not in path.parts:
            assert secret.encode() not in path.read_bytes(), path
    assert secret not in hub.log


def test_a_link_is_revoked_renewed_and_expires(hub: RunningHub, name: str) -> None:
    close(hub, name)
    account = f"{name}-01"
    link = links(f"{name}-downloads.csv")[account]
    with hub.client() as browser:
        assert fetch(browser, link).is_success
        assert workshop(hub.state.root, "downloads", name, "--revoke", account).exit_code == 0
        # At once, in the browser that has begun, too.
        assert browser.get(f"/hub/archive-file/{account}.zip").status_code == 404
        assert fetch(browser, link).status_code == 404
        renewed = workshop(hub.state.root, "downloads", name, "--renew", account).output
        row = next(csv.DictReader(io.StringIO(renewed)))
        assert fetch(browser, row["download link"]).is_success
        downloads = Downloads(hub.state)
        file = downloads.path(name, account)
        assert file.exists()
        with downloads.store.transaction() as change:
            change.database.execute(
                "UPDATE archive SET expires = ? WHERE account = ?",
                ((datetime.now(UTC) - timedelta(seconds=1)).isoformat(), account),
            )
        assert fetch(browser, row["download link"]).status_code == 404
        wait_until(lambda: not file.exists(), seconds=60, what="the archive is deleted")
        shown = json.loads(workshop(hub.state.root, "show", name, "--json").stdout)
        assert account not in [member["account"] for member in shown["members"]]


@pytest.mark.parametrize("secret", ["", "x", 32 * "x", 10**6 * "x", "../../accounts.json"])
def test_what_is_no_link(hub: RunningHub, secret: str) -> None:
    with hub.client() as browser:
        assert fetch(browser, f"/hub/archive#{secret}").status_code in (404, 429)


def test_guessing_download_links_leads_to_a_pause_in_which_real_links_still_work(
    start_hub: StartHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "site: {public_url: null}\nlogin: {attempts: 1, pause_seconds: 60}"
    strict = start_hub(config=_WIRING, settings=settings)
    (strict.state.run / "port").write_text(str(strict.port))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(strict.settings_file))
    assert (
        workshop(
            strict.state.root, "create", "guessed", "--participants=1", "--until=2999-01-31"
        ).exit_code
        == 0
    )
    (strict.state.homes / "guessed-01").mkdir(parents=True)
    close(strict, "guessed")
    link = links("guessed-downloads.csv")["guessed-01"]
    with strict.client() as browser:
        codes = [fetch(browser, f"/hub/archive#{32 * 'x'}").status_code for _ in range(12)]
        assert codes[0] == httpx.codes.NOT_FOUND
        assert codes[-1] == httpx.codes.TOO_MANY_REQUESTS
        assert fetch(browser, link).is_success


def test_files_beside_the_archives_cannot_be_reached(hub: RunningHub, name: str) -> None:
    close(hub, name)
    link = links(f"{name}-downloads.csv")[f"{name}-01"]
    with hub.client() as browser:
        fetch(browser, link)
        for path in ("workshops.sqlite", "..%2f..%2faccounts.json", f"{name}-01.zip.sha256", ""):
            assert browser.get(f"/hub/archive-file/{path}").status_code == 404
    with hub.client() as stranger:
        assert stranger.get(f"/hub/archive-file/{name}-01.zip").status_code == 404


@pytest.mark.parametrize("step", ["archived", "erase_home", "remove", "removed"])
def test_a_crash_loses_nothing_and_the_next_run_goes_on(
    hub: RunningHub, name: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from km3hub.workshops.places import Here

    owner = {"archived": Downloads, "removed": Downloads}.get(step, Here)

    def cut_off(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(owner, step, cut_off)
        assert workshop(hub.state.root, "close", name, "--yes").exit_code == 1
    home = hub.state.homes / f"{name}-01"
    archive = Downloads(hub.state).path(name, f"{name}-01")
    assert home.exists() or archive.exists()
    close(hub, name)
    with zipfile.ZipFile(archive) as packed:
        assert packed.read("home/work/result.csv") == b"energy,1\n"
    assert not home.exists()


def test_a_full_disk_removes_nothing(hub: RunningHub, name: str) -> None:
    archives = Downloads(hub.state).path(name, f"{name}-01").parent
    with small_disk(archives, megabytes=4):
        result = workshop(hub.state.root, "close", name, "--yes")
        assert result.exit_code == 1
        assert "has no room for the archive" in result.output
        for number in (1, 2):
            assert (hub.state.homes / f"{name}-0{number}" / "work" / "result.csv").exists()
            assert hub.accounts.get(f"{name}-0{number}")
    close(hub, name)


def test_an_archive_that_was_changed_keeps_the_home(
    hub: RunningHub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = Downloads.archived

    def damaged(self: Downloads, workshop: str, account: str, done: object) -> None:
        archived(self, workshop, account, done)  # type: ignore[arg-type]
        self.path(workshop, account).write_bytes(b"other bytes")

    with monkeypatch.context() as bad:
        bad.setattr(Downloads, "archived", damaged)
        result = workshop(hub.state.root, "close", name, "--yes")
    assert result.exit_code == 1
    assert "is not the archive that was made" in result.output
    assert (hub.state.homes / f"{name}-01" / "work" / "result.csv").exists()
    close(hub, name)


def test_asks_first_and_refuses_nonsense(hub: RunningHub, name: str) -> None:
    result = workshop(hub.state.root, "close", name, stdin="n\n")
    assert result.exit_code == 1
    assert hub.accounts.get(f"{name}-01")
    assert "there is no workshop nosuch" in workshop(hub.state.root, "close", "nosuch").output
    assert workshop(hub.state.root, "close", name, "--days=0").exit_code == 2
    Path(f"{name}-downloads.csv").touch()
    assert "exists already" in workshop(hub.state.root, "close", name, "--yes").output
    wrong = workshop(hub.state.root, "downloads", name, "--revoke", "ada")
    assert "ada has no archive of the workshop" in wrong.output


def test_the_hub_has_the_groups_with_what_they_offer(hub: RunningHub, name: str) -> None:
    with hub.client() as client:
        client.login("root", "kanugu-posifo-gemoka-87")

        def groups() -> dict[str, dict[str, str]]:
            listed = client.api("GET", "/groups").json()
            return {group["name"]: group["properties"] for group in listed}

        wait_until(lambda: f"workshop-{name}" in groups(), seconds=60, what="the group exists")
        assert groups()[f"workshop-{name}-teachers"] == {
            "workshop": name,
            "role": "teacher",
            "environment": "stack",
            "size": "small",
            "until": "2999-02-01T00:00:00+00:00",
        }
        close(hub, name)
        wait_until(lambda: f"workshop-{name}" not in groups(), seconds=60, what="it is gone")
