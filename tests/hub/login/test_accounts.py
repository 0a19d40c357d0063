"""The file of accounts."""

from __future__ import annotations

import json
import os
import platform
import stat
import string
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from km3hub.login import passwords
from km3hub.login.accounts import (
    Account,
    AccountNameError,
    AccountsError,
    AccountStore,
    expiry,
    normalised,
)
from tests.commands import run

PASSWORD = "long-enough"


@pytest.fixture
def store(tmp_path: Path) -> AccountStore:
    return AccountStore(tmp_path / "state" / "accounts.json")


def test_an_account_is_found_again(store: AccountStore) -> None:
    store.add("Ada", PASSWORD, admin=True)
    account = AccountStore(store.path).get("ada")
    assert account is not None
    assert account.admin
    assert not account.expired()
    assert abs(account.created - datetime.now(UTC)) < timedelta(minutes=1)
    # argon2-cffi itself confirms what was stored.
    assert PasswordHasher().verify(account.hash, PASSWORD)


def test_only_the_owner_reads_the_file(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert PASSWORD not in store.path.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="run as root: only root can own for others")
def test_a_change_by_root_leaves_the_file_to_the_owner_of_the_folder(store: AccountStore) -> None:
    store.path.parent.mkdir()
    os.chown(store.path.parent, 1234, 1234)
    store.add("ada", PASSWORD)
    for path in (store.path, Path(f"{store.path}.lock")):
        assert path.stat().st_uid == 1234


def test_a_change_is_seen_by_a_store_that_is_open(store: AccountStore) -> None:
    other = AccountStore(store.path)
    assert other.get("ada") is None
    store.add("ada", PASSWORD)
    first = other.get("ada")
    assert first is not None
    store.set_password("ada", "another-one")
    second = other.get("ada")
    assert second is not None
    assert first.hash != second.hash
    store.remove("ada")
    assert other.get("ada") is None


def test_a_change_within_one_tick_of_the_clock_is_seen(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    info = store.path.stat()
    other = AccountStore(store.path)
    assert other.get("ada")
    store.remove("ada")
    os.utime(store.path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert other.get("ada") is None


def test_writers_at_the_same_time_lose_nothing(store: AccountStore) -> None:
    """Threads and a second process; each writes its own accounts."""
    program = (
        "import sys; from pathlib import Path; from km3hub.login.accounts import AccountStore\n"
        "store = AccountStore(Path(sys.argv[1]))\n"
        f"for n in range(5): store.add(f'other-{{n}}', {PASSWORD!r})"
    )

    def add(number: int) -> None:
        AccountStore(store.path).add(f"mine-{number}", PASSWORD)

    with (
        subprocess.Popen([sys.executable, "-c", program, str(store.path)]) as other,
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(add, range(8)))
    assert other.returncode == 0
    assert store.names() == sorted(
        [f"mine-{n}" for n in range(8)] + [f"other-{n}" for n in range(5)]
    )
    assert {path.name for path in store.path.parent.iterdir()} == {
        "accounts.json",
        "accounts.json.lock",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "\x00\x01",
        "[" * 100_000,
        '{"version": 2, "accounts": {}}',
        '{"version": 1, "accounts": {"../x": {"hash": "h", "created": "2026-01-01T00:00Z"}}}',
        '{"version": 1, "accounts": {"ada": {"hash": "secret-hash", "admin": "maybe"}}}',
        '{"version": 1, "accounts": {"ada": {"hash": "secret-hash", "expires": "soon"}}}',
    ],
)
def test_a_damaged_file_is_named_and_kept(store: AccountStore, text: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)
    changes = (
        lambda: store.get("ada"),
        lambda: store.add("ada", PASSWORD),
        lambda: store.remove("ada"),
        lambda: store.set_password("ada", PASSWORD),
    )
    for change in changes:
        with pytest.raises(AccountsError, match="is damaged") as caught:
            change()
        assert str(store.path) in str(caught.value)
        assert "secret-hash" not in str(caught.value)
        assert len(str(caught.value)) < 600
    assert store.path.read_text() == text


def test_a_folder_in_place_of_the_file_is_reported(store: AccountStore) -> None:
    store.path.mkdir(parents=True)
    with pytest.raises(AccountsError, match="Is a directory"):
        store.get("ada")


def test_a_hash_that_is_none_lets_nobody_in(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    data = json.loads(store.path.read_text())
    data["accounts"]["ada"]["hash"] = "plain"
    store.path.write_text(json.dumps(data))
    account = store.get("ada")
    assert account is not None
    assert not passwords.matches(account.hash, "plain")


def test_names_are_unique_and_must_exist(store: AccountStore) -> None:
    store.add("ada", PASSWORD)
    with pytest.raises(AccountsError, match="the account ada already exists"):
        store.add("ADA", PASSWORD)
    for change in (lambda: store.remove("bob"), lambda: store.set_password("bob", PASSWORD)):
        with pytest.raises(AccountsError, match="there is no account bob"):
            change()


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_of_wrong_length_is_refused(store: AccountStore, password: str) -> None:
    with pytest.raises(passwords.PasswordError, match=f"{len(password)} characters"):
        store.add("ada", password)
    assert not store.path.exists()


@given(st.text(max_size=40))
def test_a_name_is_safe_for_folders_or_refused(name: str) -> None:
    try:
        good = normalised(name)
    except AccountNameError:
        return
    assert set(good) <= set(string.ascii_lowercase + string.digits + "-")
    assert good[0] in string.ascii_lowercase
    assert good[-1] != "-"
    assert len(good) <= 32
    assert normalised(good) == good


def test_the_refusal_of_a_megabyte_is_short() -> None:
    with pytest.raises(AccountNameError) as caught:
        normalised("x" * 10**6)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-31T18:00+01:00", datetime(2027, 1, 31, 17, tzinfo=UTC)),
        ("2027-01-31 18:00Z", datetime(2027, 1, 31, 18, tzinfo=UTC)),
    ],
)
def test_a_date_lasts_until_the_end_of_that_day(text: str, moment: datetime) -> None:
    assert expiry(text) == moment
    account = Account(hash="", expires=text)
    assert account.expired(moment)
    assert not account.expired(moment - timedelta(microseconds=1))


@pytest.mark.parametrize("text", ["soon", "31.1.2027", "2027-02-30", "2027-01-31T18:00", ""])
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date|no time zone"):
        expiry(text)


def test_the_last_day_of_the_calendar_is_a_date_too(store: AccountStore) -> None:
    store.add("ada", PASSWORD, expires=expiry("9999-12-31"))
    account = AccountStore(store.path).get("ada")
    assert account
    assert not account.expired()


def test_a_made_password_is_long_and_easy_to_read() -> None:
    made = {passwords.generate() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert set(password) <= set(string.ascii_lowercase + "23456789-") - set("lqwxy")
        passwords.check(password)


def test_an_unknown_name_costs_what_a_known_one_costs() -> None:
    """Same algorithm, same parameters: the work is the same by construction, and measured so."""
    assert extract_parameters(passwords.nobody()) == extract_parameters(passwords.hashed(PASSWORD))

    def seconds(hash_: str) -> float:
        start = time.process_time()
        assert not passwords.matches(hash_, "wrong-password")
        return time.process_time() - start

    known = min(seconds(passwords.hashed(PASSWORD)) for _ in range(10))
    unknown = min(seconds(passwords.nobody()) for _ in range(10))
    assert 0.5 < known / unknown < 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="run on Linux with glibc")
def test_checks_in_threads_leave_no_memory_behind() -> None:
    """Without `return_memory` two threads keep 40 MB."""
    program = (
        "import psutil; from concurrent.futures import ThreadPoolExecutor\n"
        "from km3hub.login import passwords\n"
        "passwords.return_memory()\n"
        "size = lambda: psutil.Process().memory_info().rss\n"
        "before = size()\n"
        "with ThreadPoolExecutor(2) as threads:\n"
        "    list(threads.map(lambda _: passwords.matches(passwords.nobody(), 'x'), range(8)))\n"
        "    print(size() - before)"
    )
    done = run(sys.executable, "-c", program, status=None)
    assert int(done.stdout) < 10e6
