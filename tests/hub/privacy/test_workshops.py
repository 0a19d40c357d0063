"""What workshops keep of a person is in the export, and gone after the erasure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from km3hub.membership.links import digest
from km3hub.membership.record import Workshop
from km3hub.workshops.closing import Closing, close
from km3hub.workshops.creating import Workshops
from km3hub.workshops.downloads import Downloads
from km3hub.workshops.places import Here
from km3hub.workshops.roster import Person
from tests.hub.conftest import StartHub
from tests.hub.privacy.test_person import PASSWORD, content, everything, km3hub
from tests.hub.running import RunningHub


@pytest.fixture(scope="module")
def running(start_hub: StartHub) -> RunningHub:
    hub = start_hub(settings="services: {opendata: {enabled: false}}")
    (hub.state.run / "port").write_text(str(hub.port))
    return hub


@pytest.fixture
def hub(running: RunningHub, monkeypatch: pytest.MonkeyPatch) -> RunningHub:
    monkeypatch.setenv("KM3_STATE", str(running.state.root))
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(running.settings_file))
    monkeypatch.chdir(running.folder)
    return running


def take_part(hub: RunningHub, name: str, account: str) -> str:
    """Add a participant with this account and a home; return the secret of the login link."""
    workshops = Workshops(hub.state)
    known = workshops.store.get(name)
    now = datetime.now(UTC)
    until = known.until if known else now + timedelta(days=9)
    wanted = Workshop(name=name, created=now, until=until, environment="stack", size="small")
    person = Person(
        name=f"Mary of {account}",
        email=f"{account}@example.org",
        account=account,
        role="participant",
        line=2,
    )
    workshops.create(wanted, [person], participants=0, teachers=0)
    home = hub.state.homes / account
    home.mkdir(parents=True, exist_ok=True)
    (home / "result.csv").write_text(f"energy of {account}\n")
    return workshops.cards(name).read()[account].secret


def close_workshop(hub: RunningHub, name: str) -> None:
    closing = Closing(hub.state)
    place = Here(closing, f"{hub.url}/hub")
    assert list(close(place, name, lambda _: None)) == []
    closing.finish(name, datetime.now(UTC) + timedelta(days=9))


def test_what_an_open_workshop_keeps_is_exported_and_erased(hub: RunningHub) -> None:
    secrets = [take_part(hub, "school", name) for name in ("mary", "mary-2")]
    password = Workshops(hub.state).cards("school").read()["mary"].password
    assert km3hub("export", "mary").exit_code == 0
    found = content(next(hub.folder.glob("mary-20*.tar.gz")))
    kept = json.loads(found["workshops.json"])
    assert kept["roster"] == [
        {
            "workshop": "school",
            "account": "mary",
            "role": "participant",
            "name": "Mary of mary",
            "email": "mary@example.org",
        }
    ]
    assert [link["used"] for link in kept["login_links"]] == [None]
    assert kept["cards"][0]["email"] == "mary@example.org"
    text = "".join(found.values())
    for hidden in (*secrets, password, digest(secrets[0]), "mary-2"):
        assert hidden not in text
    result = km3hub("erase", "mary", "--yes")
    assert result.exit_code == 0, result.output
    assert "what workshops kept" in result.output
    assert "rosters, handouts" in result.output
    left = everything(hub.state.root)
    for gone in (b"mary@example.org", b'Mary of mary"', secrets[0].encode(), password.encode()):
        assert gone not in left
    # The neighbour with a similar name is still there.
    assert Workshops(hub.state).cards("school").read()["mary-2"].email == "mary-2@example.org"
    assert [m.account for m in Workshops(hub.state).store.members("school")] == ["mary-2"]
    # A second time is safe.
    assert km3hub("erase", "mary", "--yes").exit_code == 0


def test_the_archive_of_a_closed_workshop_is_erased(hub: RunningHub) -> None:
    take_part(hub, "course", "nina")
    close_workshop(hub, "course")
    archive = Downloads(hub.state).path("course", "nina")
    assert archive.exists()
    assert km3hub("export", "nina").exit_code == 0
    found = content(next(hub.folder.glob("nina-*.tar.gz")))
    (kept,) = json.loads(found["workshops.json"])["archives"]
    assert kept["bytes"] == archive.stat().st_size
    assert "km3hub workshop downloads course --renew nina" in found["README.md"]
    result = km3hub("erase", "nina", "--yes")
    assert result.exit_code == 0, result.output
    assert list(archive.parent.iterdir()) == []
    assert b"nina@example.org" not in everything(hub.state.root)


def test_the_next_person_with_a_name_gets_nothing_of_the_archive_and_does_not_erase_it(
    hub: RunningHub,
) -> None:
    take_part(hub, "lecture", "otto")
    close_workshop(hub, "lecture")
    archive = Downloads(hub.state).path("lecture", "otto")
    hub.accounts.add("otto", PASSWORD)
    assert km3hub("export", "otto").exit_code == 0
    found = content(next(hub.folder.glob("otto-*.tar.gz")))
    assert "workshops.json" not in found
    assert "otto@example.org" not in "".join(found.values())
    assert km3hub("erase", "otto", "--yes").exit_code == 0
    assert archive.exists()
    assert [m.email for m in Workshops(hub.state).store.members("lecture")] == ["otto@example.org"]


def test_nothing_is_erased_while_another_command_changes_workshops(hub: RunningHub) -> None:
    take_part(hub, "seminar", "pia")
    with Workshops(hub.state).alone():
        result = km3hub("erase", "pia", "--yes")
    assert result.exit_code == 1
    assert "another 'km3hub workshop' command is running" in result.output
    assert hub.accounts.get("pia")
    assert km3hub("erase", "pia", "--yes").exit_code == 0
