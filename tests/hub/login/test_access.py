"""From when on logins count, and whose home it is."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km3hub.login.access import AccessError, AccessFile
from km3hub.login.accounts import AccountsError, AccountStore

PASSWORD = "kanugu-posifo-gemoka-87"


@pytest.fixture
def store(tmp_path: Path) -> AccountStore:
    return AccountStore(tmp_path / "accounts.json")


def home(store: AccountStore, name: str = "ada") -> str:
    return name + store.access.get(name).home_suffix


def test_a_first_account_leaves_no_trace(store: AccountStore) -> None:
    assert store.add("ada", PASSWORD) is False
    assert home(store) == "ada"
    assert not store.access.file.path.exists()


def test_a_new_password_ends_what_was_before_and_keeps_the_home(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    before = datetime.now(UTC)
    store.set_password("ada", PASSWORD + "x")
    assert store.access.get("ada").valid_since > before
    assert home(store) == "ada"


def test_each_person_with_a_name_gets_another_home(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    homes = [home(store)]
    for _ in range(3):
        store.remove("ada")
        assert store.add("ada", PASSWORD) is True
        homes.append(home(store))
    assert homes == ["ada", "ada.2", "ada.3", "ada.4"]


def test_the_same_person_gets_the_home_again(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    store.remove("ada")
    assert store.add("ada", PASSWORD, same_person=True) is False
    assert home(store) == "ada"
    # And the next person still not.
    store.remove("ada")
    store.add("ada", PASSWORD)
    assert home(store) == "ada.3"


def test_a_mistake_about_the_person_can_be_put_right(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    store.remove("ada")
    store.add("ada", PASSWORD)
    store.access.move("ada", 1)
    assert home(store) == "ada"
    store.remove("ada")
    store.add("ada", PASSWORD)
    assert home(store) == "ada.3"
    with pytest.raises(AccessError, match="there is no home 4"):
        store.access.move("ada", 4)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["same", "other", "end"]), max_size=12))
def test_two_persons_never_have_the_same_home(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    access = AccessFile(tmp_path_factory.mktemp("state") / "access.json")
    person, homes = 0, {1: 0}
    for step in steps:
        if step in ("same", "other"):
            access.release("ada")
            access.give("ada", same_person=step == "same")
            person += step == "other"
        else:
            access.end("ada")
        assert homes.setdefault(access.get("ada").home, person) == person


def test_names_from_before_this_file_are_taken_for_used(store: AccountStore) -> None:
    (store.path.parent / "homes" / "old").mkdir(parents=True)
    assert store.add("old", PASSWORD) is True
    assert home(store, "old") == "old.2"
    with sqlite3.connect(store.path.parent / "hub.sqlite") as database:
        database.execute("CREATE TABLE users (name TEXT)")
        database.execute("INSERT INTO users VALUES ('known')")
    database.close()
    assert store.add("known", PASSWORD) is True
    assert store.add("new", PASSWORD) is False


def test_no_home_has_the_name_of_another_users_home(store: AccountStore) -> None:
    for name in ("ada.2", "ada.3"):
        with pytest.raises(AccountsError, match="not a valid account name"):
            store.add(name, PASSWORD)


def test_a_damaged_file_is_refused_and_kept(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    store.access.file.path.write_text('{"ada": ')
    for change in (
        lambda: store.remove("ada"),
        lambda: store.set_password("ada", PASSWORD),
        lambda: store.add("bob", PASSWORD),
    ):
        with pytest.raises((AccountsError, AccessError), match="is damaged"):
            change()
    assert store.access.file.path.read_text() == '{"ada": '
    assert store.names() == ["ada"]


def test_the_file_is_the_owners_only(store: AccountStore) -> None:
    store.access.end("ada")
    assert store.access.file.path.stat().st_mode & 0o777 == 0o600
