"""People log in with a provider, in a browser over HTTPS; the usual checks pass."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.tests.certificates import Authority
from deploy.tests.conftest import HUB, HUB_ADDRESS
from deploy.tests.containers import Machine, docker
from deploy.tests.provider import CLIENT, SECRET, Provider, start_provider
from deploy.tests.site import RESULTS, Site
from tests.deaf_chromium import find
from tests.oidc.running import NoProvider

ROOT = Path(__file__).resolve().parents[2]
STATE = "/var/lib/docker/volumes/km3net-state/_data"
EGI = "urn:mace:egi.eu:group:vo.example.eu:role=member#aai.egi.eu"
PEOPLE: dict[str, dict[str, dict[str, Any]]] = {
    "iam": {
        "ada": {
            "preferred_username": "ada", "name": "Ada Lovelace",
            "wlcg.groups": ["/escape", "/escape/km3net"],
        },
        "guest": {"preferred_username": "guest", "name": "A guest", "wlcg.groups": ["/other"]},
    },
    "egi": {
        "emmy": {
            "voperson_id": f"{'a1' * 32}@egi.eu", "name": "Emmy Noether",
            "eduperson_entitlement": [EGI],
        },
        "guest": {"voperson_id": f"{'b2' * 32}@egi.eu", "name": "A guest"},
    },
}  # fmt: skip
OIDC: dict[str, dict[str, Any]] = {
    "iam": {"provider": "escape-iam", "allowed_groups": ["/escape"]},
    "egi": {
        "provider": "egi-check-in",
        "allowed_groups": ["vo.example.eu"],
        "client_authentication": "post",
    },
}
BUTTON = {"iam": "Log in with ESCAPE IAM", "egi": "Log in with EGI Check-in"}


def key_of(certificate: bytes) -> str:
    """The public key of a certificate as Chromium's command line takes it."""
    public = x509.load_pem_x509_certificate(certificate).public_key()
    text = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(text).digest()).decode()


@pytest.fixture(scope="module")
def trusting(deployed: Machine, authority: Authority) -> Machine:
    """The host trusts the authority of the provider's certificate."""
    place = "/usr/local/share/ca-certificates/authority-of-the-tests.crt"
    docker("cp", str(authority.file), f"{deployed.name}:{place}")
    deployed.run("update-ca-certificates")
    return deployed


@pytest.fixture(scope="module")
def login_with(
    trusting: Machine, site: Site, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Provider]]:
    """A function that configures the host for a provider of a shape."""
    usual = site.settings
    started: list[Provider] = []

    def switch(shape: str) -> Provider:
        try:
            provider = start_provider(
                tmp_path_factory.mktemp("provider"),
                authority,
                shape=shape,
                callback=f"https://{HUB}/hub/oauth_callback",
                people=PEOPLE[shape],
            )
        except NoProvider as reason:
            pytest.skip(str(reason))
        started.append(provider)
        oidc = OIDC[shape] | {"client_id": CLIENT, "issuer": provider.issuer}
        login = {"login": {"method": "oidc", "oidc": oidc}}
        site.write_secrets(
            {"vault_backup_password": "a password of the tests", "vault_client_secret": SECRET}
        )
        site.write(
            usual
            | {
                "platform_settings": usual["platform_settings"] | login,
                "platform_client_secret": "{{ vault_client_secret }}",
            }
        )
        site.play("site").require_success()
        return provider

    yield switch
    site.write(usual)
    for provider in started:
        provider.stop()
    site.play("site").require_success()


@pytest.fixture(scope="module")
def iam(login_with: Callable[[str], Provider]) -> Provider:
    return login_with("iam")


@pytest.fixture(scope="module")
def egi(login_with: Callable[[str], Provider]) -> Provider:
    return login_with("egi")


def visit(shape: str, name: str, provider: Provider, acme: Path, *, work: bool = False) -> Any:
    """Returns what a person sees in a browser."""
    python = ROOT / ".venv" / "bin" / "python"
    if not find() or not python.exists():
        pytest.skip("needs Chromium and the development environment: make tools, make test")
    given = {
        "program": str(ROOT / "tests" / "deaf_chromium.py"),
        "address": f"https://{HUB}",
        "button": BUTTON[shape],
        "name": name,
        "work": work,
        "pictures": str(RESULTS / "screenshots" / f"{shape}-{name}"),
        "hosts": {HUB: HUB_ADDRESS},
        "keys": [
            key_of(provider.certificate.read_bytes()),
            key_of(acme.with_name("intermediate.pem").read_bytes()),
        ],
    }
    done = subprocess.run(
        [str(python), "-m", "deploy.tests.browser"],
        input=json.dumps(given), capture_output=True, text=True, cwd=ROOT, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_member_logs_in_and_runs_a_tutorial(iam: Provider, acme: Path) -> None:
    seen = visit("iam", "ada", iam, acme, work=True)
    assert seen["status"] == 200
    assert f"https://{HUB}/user/ada/lab" in seen["server"]
    # Events in the file of the tutorial, as counted with km3io.
    assert "2499" in seen["output"]
    channels = [url for url in seen["sockets"] if url.endswith("/channels") or "channels?" in url]
    assert channels
    assert all(url.startswith(f"wss://{HUB}/user/ada/") for url in seen["sockets"])


def test_user_without_an_allowed_group_sees_the_contact(iam: Provider, acme: Path) -> None:
    seen = visit("iam", "guest", iam, acme)
    assert seen["status"] == 403
    for words in ("ESCAPE IAM", "/escape", "help@hub.test"):
        assert words in seen["text"]


def test_second_run_with_a_provider_changes_nothing(iam: Provider, site: Site) -> None:
    assert site.play("site").require_success().changed == 0


def test_verify_sees_the_provider_and_runs_a_cell(iam: Provider, site: Site) -> None:
    site.play("backup").require_success()
    assert "check ran a cell in stack" in site.play("verify").require_success().output


def test_secrets_of_the_login_are_saved_and_shown_to_nobody(
    iam: Provider, trusting: Machine, site: Site
) -> None:
    site.play("backup").require_success()
    given = json.loads(trusting.run("cat", "/etc/km3net/backup.json"))
    variables = f"RESTIC_REPOSITORY={given['repository']}", f"RESTIC_PASSWORD={given['password']}"
    saved = trusting.run("env", *variables, "restic", "ls", "latest", STATE).splitlines()
    for name in ("secret-crypt", "secret-verify", "secret-oidc-client"):
        assert f"{STATE}/{name}" in saved
        mode, owner = trusting.run("stat", "--format=%a %u", f"{STATE}/{name}").split()
        assert (mode, owner) == ("600", "1000")
    records = trusting.run("journalctl", "--no-pager") + trusting.run("ps", "auxww")
    records += trusting.run("bash", "-c", "docker inspect $(docker ps --quiet)")
    records += trusting.run("bash", "-c", "docker logs km3net-hub 2>&1")
    for secret in (SECRET, trusting.run("cat", f"{STATE}/secret-verify").strip()):
        assert [line for line in records.splitlines() if secret in line] == []


def test_provider_of_another_shape(egi: Provider, acme: Path) -> None:
    seen = visit("egi", "emmy", egi, acme)
    assert seen["status"] == 200
    assert "Emmy Noether" in seen["text"]
    refused = visit("egi", "guest", egi, acme)
    assert refused["status"] == 403
    for words in ("EGI Check-in", "vo.example.eu", "help@hub.test"):
        assert words in refused["text"]


def test_unreachable_provider_is_reported(egi: Provider, trusting: Machine) -> None:
    egi.stop()
    said = trusting.run("km3net-verify", "--only", "visit", check=False)
    assert said.startswith("FAILED"), said
    assert "nobody can log in" in said
