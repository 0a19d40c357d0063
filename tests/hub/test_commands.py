"""`km3hub check`, `schema` and `accounts`: what they print and how they end."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import COMMANDS, main
from km3hub.login import passwords
from km3hub.login.accounts import AccountStore
from km3up.cli import main as km3up
from tests.commands import run


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def km3hub(*arguments: str | Path, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)
    # A mistake is answered, not raised.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def accounts(state: Path, *arguments: str, stdin: str = "") -> Result:
    return km3hub("accounts", "--state", state, *arguments, stdin=stdin)


def test_an_added_account_has_the_password_that_is_shown_once(state: Path) -> None:
    result = accounts(state, "add", "Ada", "--admin", "--expires", "2999-01-31")
    assert result.exit_code == 0
    assert "Added the administrator ada, valid until 2999-01-31 (UTC)." in result.output
    shown = re.search(r"^Password of ada: (\S+)$", result.output, re.MULTILINE)
    assert shown
    account = AccountStore(state / "accounts.json").get("ada")
    assert account
    assert passwords.matches(account.hash, shown[1])


def test_a_password_from_standard_input_is_not_shown(state: Path) -> None:
    result = accounts(state, "add", "ada", "--password-stdin", stdin=" my long password \n")
    assert result.exit_code == 0
    assert "password" not in result.output.lower()
    account = AccountStore(state / "accounts.json").get("ada")
    assert account
    assert passwords.matches(account.hash, " my long password ")


def test_the_list_shows_who_expired_and_no_hash(state: Path) -> None:
    accounts(state, "add", "ada", "--admin")
    accounts(state, "add", "bob", "--expires", "2999-01-31T18:00+01:00")
    file = state / "accounts.json"
    file.write_text(file.read_text().replace("2999-01-31", "2001-01-31"))
    lines = accounts(state, "list").output.splitlines()
    assert [re.split(r"\s{2,}", line)[:4] for line in lines] == [
        ["NAME", "ADMIN", "LAST VALID (UTC)", "STATE"],
        ["ada", "yes", "no limit", "valid"],
        ["bob", "no", "2001-01-31 17:00", "expired"],
    ]
    assert "argon2" not in "".join(lines)


def test_an_account_gets_groups_and_loses_them(state: Path) -> None:
    printed = accounts(state, "add", "ada", "--groups", "experts, Studierende ä,experts").output
    assert "in the groups experts, Studierende ä." in printed
    store = AccountStore(state / "accounts.json")
    assert store.require("ada").groups == ("experts", "Studierende ä")
    assert "experts, Studierende ä" in accounts(state, "list").output
    accounts(state, "set", "ada", "--groups", "")
    assert store.require("ada").groups == ()


def test_only_the_given_values_change(state: Path) -> None:
    accounts(state, "add", "ada", "--expires", "2999-01-31", "--groups", "experts")
    store = AccountStore(state / "accounts.json")
    before = store.require("ada")
    result = accounts(state, "set", "Ada", "--admin")
    assert result.output == (
        "Now: the administrator ada, valid until 2999-01-31 (UTC), in the groups experts.\n"
    )
    assert store.require("ada") == before.model_copy(update={"admin": True})
    accounts(state, "set", "ada", "--no-admin", "--expires", "never")
    assert store.require("ada") == before.model_copy(update={"expires": None})
    accounts(state, "set", "ada", "--expires", "2999-02-28")
    assert "2999-02-28" in accounts(state, "list").output


def test_a_hub_from_before_there_were_groups_reads_accounts_without_any(state: Path) -> None:
    accounts(state, "add", "ada")
    stored = json.loads((state / "accounts.json").read_text())["accounts"]["ada"]
    assert set(stored) == {"hash", "admin", "expires", "created"}


def test_an_empty_list_says_how_to_add_one(state: Path) -> None:
    result = accounts(state, "list")
    assert result.exit_code == 0
    assert "km3hub accounts add NAME" in result.output


def test_removing_asks_first(state: Path) -> None:
    accounts(state, "add", "ada")
    assert accounts(state, "remove", "ada", stdin="n\n").exit_code == 1
    assert accounts(state, "list").output.count("ada") == 1
    assert accounts(state, "remove", "ada", "--yes").exit_code == 0
    assert "ada" not in AccountStore(state / "accounts.json").names()


def test_a_new_password_replaces_the_old(state: Path) -> None:
    accounts(state, "add", "ada", "--password-stdin", stdin="first-password\n")
    shown = re.search(r": (\S+-\S+)$", accounts(state, "passwd", "ada").output, re.MULTILINE)
    account = AccountStore(state / "accounts.json").get("ada")
    assert account
    assert shown
    assert passwords.matches(account.hash, shown[1])
    assert not passwords.matches(account.hash, "first-password")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["add", "b/b"], "", 2, "is not a valid account name"),
        (["add", "bob", "--expires", "2001-01-01"], "", 2, "is in the past"),
        (["add", "bob", "--expires", "soon"], "", 2, "is not a date; write e.g. 2027-01-31"),
        (["add", "bob", "--expires", "2999-01-01T10:00"], "", 2, "has no time zone"),
        (["add", "bob", "--password-stdin"], "short\n", 2, "5 characters; 8 to 1024"),
        (["add", "bob", "--password-stdin"], "", 2, "0 characters"),
        (["add", "bob", "--password-stdin"], "x" * 5000, 2, "8 to 1024"),
        (["add", "bob", "--adnim"], "", 2, "--admin"),
        (["add", "ada"], "", 1, "the account ada already exists"),
        (["remove", "bob", "--yes"], "", 1, "there is no account bob"),
        (["passwd", "bob"], "", 1, "there is no account bob"),
        (["ad"], "", 2, "No such command"),
        (["set", "ada"], "", 2, "nothing to change; use --admin"),
        (["set", "bob", "--admin"], "", 1, "there is no account bob"),
        (["set", "ada", "--expires", "2001-01-01"], "", 2, "is in the past"),
        (["set", "ada", "--expires", "soon"], "", 2, "is not a date"),
        (["set", "ada", "--groups", "a,,b"], "", 2, "has an empty name"),
        (["add", "bob", "--groups", "a\nb"], "", 2, "is not a valid group name"),
        (["add", "bob", "--groups", "x" * 256], "", 2, "is not a valid group name"),
    ],
)
def test_a_mistake_is_reported_and_changes_nothing(
    state: Path, arguments: list[str], stdin: str, code: int, words: str
) -> None:
    accounts(state, "add", "ada")
    before = (state / "accounts.json").read_bytes()
    result = accounts(state, *arguments, stdin=stdin)
    assert result.exit_code == code
    assert words in result.output
    assert (state / "accounts.json").read_bytes() == before


def test_a_damaged_file_is_reported(state: Path) -> None:
    state.mkdir()
    (state / "accounts.json").write_text("{")
    for command in (["list"], ["add", "ada"], ["remove", "ada", "--yes"]):
        result = accounts(state, *command)
        assert result.exit_code == 1
        assert f"{state / 'accounts.json'}: is damaged" in result.output


def docker(folder: Path, script: str) -> str:
    """A PATH with a program `docker` that does what `script` says; returns the PATH."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_the_hub_s_container_gets_the_command_where_it_has_the_accounts(
    state: Path, tmp_path: Path
) -> None:
    (state / "run").mkdir(parents=True)
    (state / "mode").write_text("docker\n")
    (state / "run" / "hub-container").write_text("km3net-hub-1\n")
    path = docker(tmp_path, 'echo "$@"; cat; exit 7')
    program = "from km3hub.cli import main; main()"
    command = ("add", "ada", "--password-stdin")
    done = run(
        sys.executable,
        "-c",
        program,
        "accounts",
        "--state",
        state,
        *command,
        status=None,
        input="my-password\n",
        env={**os.environ, "PATH": path},
    )
    expected = "exec -i km3net-hub-1 km3hub accounts add ada --password-stdin\nmy-password\n"
    assert done.stdout == expected
    assert done.returncode == 7
    assert not (state / "accounts.json").exists()


def test_a_stopped_container_is_reported(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir()
    (state / "mode").write_text("docker")
    monkeypatch.setenv("PATH", docker(tmp_path, ""))
    result = accounts(state, "list")
    assert result.exit_code == 1
    assert "start it: make up" in result.output
    monkeypatch.setenv("PATH", docker(tmp_path, "echo no daemon >&2; exit 1"))
    assert "Docker is not responding: no daemon" in accounts(state, "list").output
    monkeypatch.setenv("PATH", str(state))
    assert "program 'docker' is not installed" in accounts(state, "list").output


def test_help_needs_no_container(state: Path) -> None:
    state.mkdir()
    (state / "mode").write_text("docker")
    assert accounts(state, "add", "--help").exit_code == 0


def test_a_good_file_is_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("site: {name: Ours}\nculling: {idle_minutes: 0}\nspawner: {egress: none}\n")
    result = km3hub("check", file)
    assert result.exit_code == 0
    assert f"OK  {file}" in result.output
    for words in ("Ours", "stack = km3net/stack", "never", "only the platform"):
        assert words in result.output


OIDC = """
site: {public_url: 'https://hub.example.org'}
login:
  method: oidc
  oidc: {provider: egi-check-in, client_id: abc, client_secret_file: s, allowed_groups: [vo]}
"""


def test_a_login_with_a_provider_is_summed_up(tmp_path: Path) -> None:
    file, secret = tmp_path / "platform.yaml", tmp_path / "s"
    file.write_text(OIDC)
    secret.write_text("the-client-secret\n")
    secret.chmod(0o600)
    result = km3hub("check", file)
    assert result.exit_code == 0
    for words in (
        "EGI Check-in, https://aai.egi.eu/auth/realms/egi, as client abc",
        "https://hub.example.org/hub/oauth_callback",
        "vo; administrators: nobody",
    ):
        assert words in result.output
    assert "the-client-secret" not in result.output


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (None, 0, "does not exist; write the client secret to it"),
        ("x", 0o644, "readable or writable by others (mode 0644); run: chmod 600"),
        ("x", 0o620, "writable by others"),
        ("", 0o600, "must contain only the client secret"),
        ("a\nb", 0o600, "must contain only the client secret"),
        ("x" * 5000, 0o600, "must contain only the client secret"),
    ],
)
def test_an_unusable_client_secret_is_reported(
    tmp_path: Path, text: str | None, mode: int, words: str
) -> None:
    file, secret = tmp_path / "platform.yaml", tmp_path / "s"
    file.write_text(OIDC)
    if text is not None:
        secret.write_text(text)
        secret.chmod(mode)
    result = km3hub("check", file)
    assert result.exit_code == 2
    assert f"login.oidc.client_secret_file: {secret}" in result.output
    assert words in result.output


def test_nothing_starts_without_the_client_secret(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(OIDC)
    state = tmp_path / "state"
    command = ["up", "--mode", "embedded", "--state", str(state), "--config", str(file)]
    result = CliRunner().invoke(km3up, command)
    assert result.exit_code == 1
    missing = f"login.oidc.client_secret_file: {tmp_path / 's'} does not exist"
    assert f"Stopped: {missing}" in result.output
    assert not (state / "envs").exists()


def test_all_mistakes_in_the_file_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("siet: {}\nlogin: {attempts: 0}\n")
    result = km3hub("check", file)
    assert result.exit_code == 2
    assert "did you mean site?" in result.output
    assert "login.attempts" in result.output
    assert "2 mistakes" in result.output
    assert km3hub("check", tmp_path / "none.yaml").exit_code == 2


def test_without_a_file_the_defaults_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KM3_PLATFORM_FILE", raising=False)
    result = km3hub("check")
    assert result.exit_code == 0
    assert "the defaults are in effect" in result.output


def test_the_schema_is_json() -> None:
    result = km3hub("schema")
    assert json.loads(result.output)["properties"]["login"]


def test_the_help_lists_every_command_and_imports_none() -> None:
    program = (
        "import sys; from km3hub.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'jupyterhub', 'argon2', 'docker', 'pydantic'} & set(sys.modules)))"
    )
    done = run(sys.executable, "-c", program, status=None)
    assert done.stdout.endswith("[]\n")
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


def test_a_command_of_another_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    for module in [m for m in sys.modules if m.startswith(("km3hub.login", "km3hub.cli.acc"))]:
        monkeypatch.delitem(sys.modules, module)
    result = km3hub("accounts", "list")
    assert result.exit_code == 1
    assert "argon2 is not installed here" in result.output


def test_more_than_one_person_without_containers_is_warned_about(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "each of these users can read and change the files of all others"
    monkeypatch.delenv("KM3_MODE", raising=False)
    for name in ("admin", "user"):  # of the first start
        assert words not in accounts(state, "add", name).output
    assert words in accounts(state, "add", "ada").output
    monkeypatch.setenv("KM3_MODE", "docker")
    assert words not in accounts(state, "add", "bob").output
