"""`km3hub workshop create`, `extend`, `list` and `show`."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from km3hub.login import passwords
from km3hub.login.accounts import AccountStore
from km3hub.login.groups import groups_of
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Workshop
from km3hub.workshops import creating
from km3hub.workshops.creating import Workshops
from km3settings.state import State
from tests.hub.workshops.running import workshop

UNTIL = "2999-01-31"
ROSTER = "name,email\nAda Lovelace,ada@example.org\nBob,bob@example.org\n"


@pytest.fixture(autouse=True)
def no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults of platform.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KM3_PLATFORM_FILE", raising=False)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def create(state: Path, *arguments: str, name: str = "school", stdin: str = "") -> str:
    result = workshop(state, "create", name, f"--until={UNTIL}", *arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def hashes(state: Path) -> dict[str, str]:
    return {name: a.hash for name, a in AccountStore(state / "accounts.json").all().items()}


def test_each_participant_has_an_account_with_a_password_group_and_end(state: Path) -> None:
    create(state, "--participants=3", "--teachers=1", "--environment=joint", "--size=large")
    accounts = AccountStore(state / "accounts.json").all()
    assert list(accounts) == ["school-01", "school-02", "school-03", "school-teacher-1"]
    assert {a.expires for a in accounts.values()} == {datetime(2999, 2, 1, tzinfo=UTC)}
    assert not any(a.admin for a in accounts.values())
    groups = [a.groups for a in accounts.values()]
    assert groups == 3 * [("workshop-school",)] + [("workshop-school-teachers",)]
    cards = Workshops(State(state)).cards("school")
    assert cards.path.stat().st_mode & 0o777 == 0o600
    for name, card in cards.read().items():
        assert passwords.matches(accounts[name].hash, card.password)
    assert len({card.password for card in cards.read().values()}) == 4
    assert len({card.secret for card in cards.read().values()}) == 4


def test_neither_password_nor_link_is_in_any_other_file(state: Path) -> None:
    create(state, "--participants=3")
    cards = Workshops(State(state)).cards("school")
    others = [p for p in state.rglob("*") if p.is_file() and p != cards.path]
    assert len(others) >= 2
    for card in cards.read().values():
        for path in others:
            assert card.password.encode() not in path.read_bytes()
            assert card.secret.encode() not in path.read_bytes()


def test_a_second_run_changes_nothing_and_prints_the_same(state: Path) -> None:
    first = create(state, "--participants=3", "--teachers=1")
    before = {p: p.read_bytes() for p in state.rglob("*") if p.is_file()}
    assert create(state, "--participants=3", "--teachers=1") == first
    assert create(state, "--participants=2") == first
    assert {p: p.read_bytes() for p in state.rglob("*") if p.is_file()} == before


def test_more_participants_get_accounts_and_the_others_keep_theirs(state: Path) -> None:
    create(state, "--participants=2")
    before = hashes(state)
    create(state, "--participants=101")
    after = hashes(state)
    assert {name: after[name] for name in before} == before
    assert {"school-03", "school-10", "school-100", "school-101"} <= after.keys()


def test_a_roster_in_another_order_and_with_new_people(state: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER)
    create(state, f"--from={roster}", "--participants=3")
    before = hashes(state)
    roster.write_text("email;name;role\nnew@example.org;New;teacher\n")
    roster.write_text(
        "email;name;role\nnew@example.org;New;teacher\nBOB@example.org;Bob;\n"
        "eve@example.org;Eve;\nada@example.org;Ada Lovelace;\n"
    )
    create(state, f"--from={roster}")
    members = {m.account: m.name for m in Workshops(State(state)).store.members("school")}
    assert members == {
        "school-01": "Ada Lovelace",
        "school-02": "Bob",
        "school-03": "",
        "school-04": "Eve",
        "school-teacher-1": "New",
    }
    assert {name: hashes(state)[name] for name in before} == before


def test_the_roster_may_come_from_standard_input_and_name_accounts(state: Path) -> None:
    create(state, "--from=-", stdin="account,name\nAda,Ada\nbob,Bob\n")
    assert list(hashes(state)) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["School!", "--participants=2"], "'School!' is not a valid workshop name"),
        (["a" * 21, "--participants=2"], "use up to 20 letters"),
        (["x-teachers", "--participants=2"], "-teachers"),
        (["../x", "--participants=2"], "is not a valid workshop name"),
        (["school"], "give the number of --participants"),
        (["school", "--participants=0"], "0 is not in the range"),
        (["school", "--participants=-1"], "-1 is not in the range"),
        (["school", "--participants=1001"], "1001 is not in the range"),
        (["school", "--participants=many"], "'many' is not a valid integer"),
        (["school", "--participants=2", "--environment=jiont"], "choose one of: stack, joint"),
        (["school", "--participants=2", "--size=medium"], "choose one of: small, large"),
        (["school", "--from=missing.csv"], "'missing.csv' does not exist"),
        (["school", "--from=."], "is a directory"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(state: Path, arguments: list[str], said: str) -> None:
    result = workshop(state, "create", f"--until={UNTIL}", *arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert hashes(state) == {}


@pytest.mark.parametrize("until", ["2001-01-31", "tomorrow", "2999-02-30", "2999-01-31T18:00", ""])
def test_a_day_that_is_past_or_none(state: Path, until: str) -> None:
    result = workshop(state, "create", "school", "--participants=2", f"--until={until}")
    assert result.exit_code == 2
    assert hashes(state) == {}


def test_accounts_of_others_are_not_taken(state: Path) -> None:
    store = AccountStore(state / "accounts.json")
    store.add("school-02", "kanugu-posifo-gemoka-87")
    result = workshop(state, "create", "school", f"--until={UNTIL}", "--participants=3")
    assert result.exit_code == 1
    assert "these accounts exist already and are not of the workshop school: school-02." in (
        result.output
    )
    assert store.names() == ["school-02"]
    assert Workshops(State(state)).store.all() == []


def test_an_existing_workshop_keeps_its_end_until_it_is_extended(state: Path) -> None:
    create(state, "--participants=2")
    result = workshop(state, "create", "school", "--until=2999-02-28", "--participants=2")
    assert result.exit_code == 1
    assert "km3hub workshop extend school --until DATE" in result.output
    assert workshop(state, "extend", "school", "--until=2999-02-28").exit_code == 0
    accounts = AccountStore(state / "accounts.json").all()
    assert {a.expires for a in accounts.values()} == {datetime(2999, 3, 1, tzinfo=UTC)}
    assert "until 2999-02-28" in workshop(state, "show", "school").output


def test_another_size_is_a_change_that_is_reported(state: Path) -> None:
    create(state, "--participants=2")
    assert "Changed size: large instead of small." in create(
        state, "--participants=2", "--size=large"
    )


def test_an_unknown_workshop(state: Path) -> None:
    for command in (["show"], ["extend", f"--until={UNTIL}"]):
        result = workshop(state, *command, "nosuch")
        assert result.exit_code == 1
        assert "there is no workshop nosuch; list them with: km3hub workshop list" in result.output


def test_the_tables(state: Path) -> None:
    assert "km3hub workshop create" in workshop(state, "list").output
    create(state, "--from=-", "--teachers=1", stdin=ROSTER)
    create(state, "--participants=1", name="course")
    rows = [re.split(r"\s{2,}", line) for line in workshop(state, "list").output.splitlines()]
    assert rows == [
        ["NAME", "STATE", "UNTIL", "PARTICIPANTS", "TEACHERS", "ENVIRONMENT", "SIZE"],
        ["course", "open", UNTIL, "1", "0", "stack", "small"],
        ["school", "open", UNTIL, "2", "1", "stack", "small"],
    ]
    listed = json.loads(workshop(state, "list", "--json").output)
    assert [row["participants"] for row in listed] == [1, 2]
    shown = json.loads(workshop(state, "show", "school", "--json").output)
    assert [one["email"] for one in shown["members"]] == ["ada@example.org", "bob@example.org", ""]
    assert "Ada Lovelace" in workshop(state, "show", "school").output


def test_a_run_that_was_interrupted_is_continued_with_the_same_passwords(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshops = Workshops(State(state))
    wanted = Workshop(
        name="school",
        created=datetime.now(UTC),
        until=datetime.now(UTC) + timedelta(days=1),
        environment="stack",
        size="small",
    )

    def cut_off(*arguments: object) -> None:
        raise KeyboardInterrupt

    for step in ("add_all", "put"):
        with monkeypatch.context() as cut:
            if step == "add_all":
                cut.setattr(AccountStore, "add_all", cut_off)
            else:
                cut.setattr(creating.Links, "add", cut_off)
            with pytest.raises(KeyboardInterrupt):
                workshops.create(wanted, participants=3, teachers=0)
        assert workshops.store.all() == []
    handed_out = workshops.cards("school").read()
    done = workshops.create(wanted, participants=2, teachers=0)
    assert [m.account for m in done.members] == ["school-01", "school-02", "school-03"]
    assert workshops.cards("school").read() == handed_out
    for name, card in handed_out.items():
        assert passwords.matches(workshops.accounts.require(name).hash, card.password)


def test_two_commands_do_not_run_at_the_same_time(state: Path) -> None:
    create(state, "--participants=1")
    workshops = Workshops(State(state))
    with workshops.alone():
        result = workshop(state, "extend", "school", f"--until={UNTIL}")
    assert result.exit_code == 1
    assert "another 'km3hub workshop' command is running" in result.output


def test_a_file_of_a_later_version_is_left_alone(state: Path) -> None:
    create(state, "--participants=1")
    workshops = Workshops(State(state))
    with workshops.store.transaction() as change:
        change.database.execute("PRAGMA user_version = 99")
    with pytest.raises(WorkshopError, match="later version"):
        workshops.store.all()


def test_every_command_has_help_with_an_example(state: Path) -> None:
    listing = workshop(state, "--help").output
    commands = re.findall(r"^  ([a-z-]+)  +[A-Z]", listing, re.MULTILINE)
    assert {"create", "list", "show", "extend"} <= set(commands)
    for command in commands:
        assert f"km3hub workshop {command}" in workshop(state, command, "--help").output, command


def test_with_a_provider_no_accounts_are_made(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "platform.yaml"
    settings.write_text(
        "login: {method: oidc, oidc: {provider: escape-iam, client_id: a, allow_all: true,"
        " client_secret_file: oidc-secret}}"
    )
    (tmp_path / "oidc-secret").write_text("secret")
    (tmp_path / "oidc-secret").chmod(0o600)
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    result = workshop(state, "create", "school", f"--until={UNTIL}", "--participants=2")
    assert result.exit_code == 1
    assert "login.oidc.allowed_groups" in result.output
    assert hashes(state) == {}


def test_a_provider_cannot_make_anybody_a_teacher() -> None:
    """A group of a provider that is named like one of the platform's own."""
    claimed = ["workshop-school-teachers", "workshop-school", "/escape/workshop-school", "x"]
    assert groups_of("groups", claimed) == {"/escape/workshop-school", "x"}
    entitlement = "urn:mace:egi.eu:group:workshop-school-teachers:role=member#aai.egi.eu"
    assert groups_of("eduperson_entitlement", [entitlement]) == {entitlement}
