"""What the launcher and the deployment ask of `km3hub`: JSON out, input by standard input."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import run
from tests.hub.conftest import StartHub
from tests.hub.running import Client


def km3hub(
    *arguments: str, state: Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `km3hub` as the launcher does, in the environment of an embedded hub."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("KM3_")}
    own = {"KM3_STATE": str(state), "KM3_MODE": "embedded", **environment}
    return run(
        sys.executable,
        "-P",
        "-m",
        "km3hub",
        *arguments,
        status=None,
        input=stdin,
        env={**variables, **own},
        timeout=120,
    )


def test_accounts_are_listed_with_everything_but_their_passwords(tmp_path: Path) -> None:
    assert json.loads(km3hub("accounts", "list", "--json", state=tmp_path).stdout) == []
    for name, options in (("root", ["--admin"]), ("ada", ["--groups", "b,a", "--expires"])):
        words = [*options, "2999-01-31"] if name == "ada" else options
        added = km3hub(
            "accounts", "add", name, "--password-stdin", *words,
            state=tmp_path, stdin="kanugu-posifo-87\n",
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
    done = km3hub("accounts", "list", "--json", state=tmp_path)
    ada, root = json.loads(done.stdout)
    assert (ada["name"], ada["admin"], sorted(ada["groups"])) == ("ada", False, ["a", "b"])
    assert ada["expires"].startswith("2999-02-01T00:00:00")
    assert (root["name"], root["admin"], root["expires"]) == ("root", True, None)
    assert not ada["expired"]
    assert "hash" not in done.stdout
    assert "argon2" not in done.stdout


def test_a_damaged_file_of_accounts_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text("{")
    done = km3hub("accounts", "list", "--json", state=tmp_path)
    assert done.returncode == 1
    assert "accounts.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hubs_own_environment_is_never_sent_to_a_container(tmp_path: Path) -> None:
    # The platform ran in containers before, and is being started as local processes.
    (tmp_path / "mode").write_text("docker")
    done = km3hub("accounts", "list", "--json", state=tmp_path)
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_the_client_secret_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    assert km3hub("keep-secret", state=tmp_path, stdin="s3cret").returncode == 0
    (kept,) = tmp_path.glob("secret-oidc*")
    assert kept.read_text() == "s3cret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_configuration_is_rehearsed_without_starting_anything(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text("site: {name: Ours}\n")
    state = tmp_path / "state"
    done = km3hub("rehearse", state=state, KM3_PLATFORM_FILE=str(good))
    assert done.returncode == 0, done.stderr
    assert not (state / "hub.sqlite").exists()
    bad = tmp_path / "bad.yaml"
    bad.write_text("siet: {}\n")
    done = km3hub("rehearse", state=state, KM3_PLATFORM_FILE=str(bad))
    assert done.returncode != 0
    assert "did you mean site?" in done.stderr


@pytest.fixture(scope="module")
def busy_hub(start_hub: StartHub) -> tuple[Path, int, str]:
    """A hub with one user's server: its state folder, its port, its settings."""
    hub = start_hub()
    client: Client
    with hub.client() as client:
        client.login("ada", "kanugu-posifo-gemoka-87")
        assert client.api("POST", "/users/ada/server").status_code in (201, 202)
        client.get("/user/ada/", follow_redirects=True)
    return hub.state.root, hub.port, str(hub.settings_file)


def test_servers_that_run_are_counted_once_the_proxy_leads_to_them(
    busy_hub: tuple[Path, int, str],
) -> None:
    state, port, file = busy_hub
    done = km3hub(
        "await-servers", "--seconds", "60",
        state=state, KM3_PORT=str(port), KM3_PLATFORM_FILE=file,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"running": 1, "unreached": 0}, done.stderr


def test_where_no_hub_answers_none_is_counted(tmp_path: Path) -> None:
    done = km3hub("await-servers", "--seconds", "0", state=tmp_path, KM3_PORT="1")
    assert json.loads(done.stdout) == {"running": 0, "unreached": 0}, done.stderr


def test_the_launchers_commands_are_passed_on_with_their_options(tmp_path: Path) -> None:
    words = ["--state", str(tmp_path / "state"), "--project", "km3none"]
    done = km3hub("status", *words, state=tmp_path)
    assert (done.returncode, done.stdout) == (1, "The platform is not running.\n"), done.stderr
    assert "--port" in km3hub("up", "--help", state=tmp_path).stdout
    refused = km3hub("up", "--port", "80", *words, state=tmp_path)
    assert refused.returncode == 2
    assert "80 is not in the range" in refused.stderr
