"""What `km3hub check` says of settings that are valid and cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import main
from km3hub.login.accounts import AccountStore
from km3settings.settings import Settings, parse

OIDC = "client_id: a, client_secret_file: s"
EXPERTS = """
environments:
  - {name: stack, title: S, image: km3net/stack}
  - {name: joint, title: J, image: km3net/joint, groups: [experts]}
sizes:
  - {name: small, memory: 1G, cpu: 1}
  - {name: big, memory: 8G, cpu: 4, groups: [experts, students]}
"""


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """`km3hub check` of a text, with the state folder `state`."""
    monkeypatch.delenv("KM3_STATE", raising=False)
    secret = tmp_path / "s"
    secret.write_text("secret")
    secret.chmod(0o600)

    def run(text: str) -> Result:
        file = tmp_path / "platform.yaml"
        file.write_text(text)
        state = str(tmp_path / "state")
        return CliRunner().invoke(main, ["check", str(file), "--state", state])

    return run


def test_groups_that_nobody_has_are_named_with_the_places_and_the_command(
    check: object, tmp_path: Path
) -> None:
    assert callable(check)
    result = check(EXPERTS)
    assert result.exit_code == 1
    assert "OK" not in result.output
    places = "environments: joint, sizes: big: no account is in the group experts"
    assert places in result.output
    assert "km3hub accounts set NAME --groups students" in result.output
    store = AccountStore(tmp_path / "state" / "accounts.json")
    store.add("ada", "long-enough", groups=("experts",))
    result = check(EXPERTS)
    assert "experts;" not in result.output
    assert "no account is in the group students" in result.output
    store.change("ada", groups=("experts", "students"))
    result = check(EXPERTS)
    assert result.exit_code == 0
    assert "OK" in result.output


@pytest.mark.parametrize(
    ("provider", "groups", "said"),
    [
        ("provider: escape-iam", "allowed_groups: [escape]", "allowed_groups: no user can"
         " be in the group escape"),
        ("provider: escape-iam", "admin_groups: [escape/admins]", "write /escape/admins"),
        ("provider: egi-check-in", "allowed_groups: [/vo]", "write vo"),
        ("provider: escape-iam", "allowed_groups: [/escape]", ""),
        ("provider: egi-check-in", "allowed_groups: ['vo/group:role']", ""),
        ("provider: generic, issuer: 'https://x.org'", "allowed_groups: [anything]", ""),
        ("provider: escape-iam, groups_claim: groups", "allowed_groups: [escape]", ""),
    ],
)  # fmt: skip
def test_groups_that_a_provider_cannot_give(
    check: object, provider: str, groups: str, said: str
) -> None:
    assert callable(check)
    result = check(f"login: {{method: oidc, oidc: {{{provider}, {OIDC}, {groups}}}}}")
    assert result.exit_code == (1 if said else 0), result.output
    assert said in result.output


def test_a_menu_for_a_group_that_the_provider_cannot_give(check: object) -> None:
    assert callable(check)
    login = f"{{provider: escape-iam, {OIDC}, allow_all: true}}"
    result = check(f"{EXPERTS}login: {{method: oidc, oidc: {login}}}")
    assert "environments: joint, sizes: big: no user can be in the group experts" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{kind: process, egress: none}", "spawner.egress: has no effect on local processes"),
        (
            "{kind: process}\nhomes: {shared: {a: {size: 1G}}}",
            "homes.shared: has no effect on local processes",
        ),
        ("{kind: swarm}\nhomes: {shared: {a: {size: 1G}}}", "homes.shared: has no effect with"),
        ("{kind: process}\nservices: {containers: [db]}", "services.containers: has no effect"),
        ("{kind: docker, egress: none}", ""),
        (
            "{kind: docker, egress: none, egress_allow: [{network: 10.0.0.7}]}",
            "spawner.egress_allow: has no effect with egress: none",
        ),
        ("{kind: docker, egress_allow: [{network: 10.0.0.7}]}", ""),
        (
            "{kind: process, egress_deny: [192.0.2.7]}",
            "spawner.egress_deny: has no effect on local",
        ),
        ("{kind: process}", ""),
    ],
)
def test_what_local_processes_cannot_do(check: object, text: str, said: str) -> None:
    assert callable(check)
    result = check(f"spawner: {text}")
    assert result.exit_code == (1 if said else 0)
    assert said in result.output


@pytest.mark.parametrize(
    "image",
    ["km3net/stack", "registry.example.org:5000/a/b_c:1.0-rc1", "localhost/x", "debian:trixie-slim",
     "a__b/c--d", "x@sha256:" + "0" * 64, "R.example/x"],
)  # fmt: skip
def test_images_that_docker_knows_are_accepted(image: str) -> None:
    entry = {"name": "a", "title": "A", "image": image}
    assert isinstance(parse({"environments": [entry]}), Settings)


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("site: {public_url: 'https://hub.example.org'}", True),
        ("site: {public_url: 'https://hub.example.org'}\nlogin: {trusted_proxies: ['::1']}", False),
        ("site: {public_url: 'http://127.0.0.1:8000'}", False),
        ("site: {public_url: 'http://[::1]:8000'}", False),
        ("site: {public_url: 'http://km3.localhost:8000'}", False),
        ("{}", False),
    ],
)
def test_a_web_server_in_front_that_is_not_trusted_is_noted(
    check: object, text: str, noted: bool
) -> None:
    assert callable(check)
    result = check(text)
    assert result.exit_code == 0
    assert ("login.trusted_proxies: is empty" in result.output) == noted
