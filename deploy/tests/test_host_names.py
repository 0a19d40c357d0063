"""Users' servers with host names of their own, and a certificate for each existing user."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.conftest import HUB, HUB_ADDRESS, secret
from deploy.tests.containers import Machine
from deploy.tests.site import Site
from tests.e2e.platforms import Person
from tests.e2e.servers import start_server, stop_server

#: The names of the wildcard record *.hub.test that the machine looks up itself.
CHECK, ADMIN = f"check--origins.{HUB}", f"admin.{HUB}"
#: What curl exits with where the web server has no certificate.
TLS_FAILED = 35


@pytest.fixture(scope="module")
def own_names(deployed: Machine, site: Site) -> Iterator[Machine]:
    """The machine with a wildcard record, and without it again afterwards."""
    lines = "".join(f"{HUB_ADDRESS} {name}\n" for name in (CHECK, ADMIN))
    deployed.run("sh", "-c", f"printf '{lines}' >> /etc/hosts")
    site.play("site").require_success()
    yield deployed
    # Not with `sed -i`: the file is mounted into the machine.
    kept = f"grep -v '[.]{HUB}$' /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts"
    deployed.run("sh", "-c", kept)
    site.play("site").require_success()


def get(name: str, path: str, acme: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Returns what curl says: the status, where it is redirected to, or why TLS failed."""
    return subprocess.run(
        ["curl", "-sS", "--cacert", acme, "--resolve", f"{name}:443:{HUB_ADDRESS}", "-o",
         "/dev/null", "-w", "%{http_code} %{redirect_url}", *options, f"https://{name}{path}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def names_in_certificate(name: str) -> str:
    """Returns the names in the certificate that the web server shows for a host name."""
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"{HUB_ADDRESS}:443", "-servername", name],
        input="", capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    wanted = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
    found = subprocess.run(wanted, input=shown.stdout, capture_output=True, text=True)
    return found.stdout.partition("\n")[2].strip()


def test_a_wildcard_record_separates_servers_from_the_hub(own_names: Machine, acme: Path) -> None:
    written = own_names.run("cat", "/opt/km3net/compose/.env")
    assert "KM3_USER_ORIGINS='own'" in written
    found = get(CHECK, "/hub/login", acme)
    assert found.stdout == f"302 https://{HUB}/hub/login", found.stderr
    assert names_in_certificate(CHECK) == f"DNS:{CHECK}"


def test_a_users_server_is_reached_at_its_own_name(own_names: Machine, acme: Path) -> None:
    path = "/user/admin/api/status"
    # The hub knows users from their first login on.
    assert get(ADMIN, path, acme).returncode == TLS_FAILED
    admin = Person.log_in(f"https://{HUB}", "admin", secret(own_names, "admin-password"))
    start_server(admin)
    token = ("-H", f"Authorization: token {admin.token}")
    found = get(ADMIN, path, acme, *token)
    assert found.stdout.startswith("200"), found.stderr
    assert get(ADMIN, path, acme).stdout.startswith("403")
    # Issued for this name alone.
    assert names_in_certificate(ADMIN) == f"DNS:{ADMIN}"
    stop_server(admin)


def test_no_certificate_is_obtained_for_anybody_else(own_names: Machine, acme: Path) -> None:
    nobody = f"nobody.{HUB}"
    assert get(nobody, "/", acme).returncode == TLS_FAILED
    assert names_in_certificate(nobody) == ""
    # Who exists is not public.
    assert get(HUB, f"/hub/host-name?domain={ADMIN}", acme).stdout.startswith("404")


def test_a_second_run_changes_nothing(own_names: Machine, site: Site) -> None:
    assert site.play("site").require_success().changed == 0


def test_verify_checks_the_certificate_and_runs_a_cell(own_names: Machine, site: Site) -> None:
    site.play("backup").require_success()
    assert "check ran a cell in stack" in site.play("verify").require_success().output
