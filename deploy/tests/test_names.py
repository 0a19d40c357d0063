"""A further host name, for the Virtual Observatory alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.conftest import HUB_ADDRESS, PORTAL
from deploy.tests.containers import Machine
from deploy.tests.site import Site

NAME = "vo.test"


@pytest.fixture
def own_name(deployed: Machine, site: Site) -> Iterator[None]:
    """The machine has one more name, and afterwards the usual ones again."""
    # The machine resolves its own names, because `verify` uses them.
    deployed.run(
        "sh", "-c", f"grep -qw {NAME} /etc/hosts || echo '{HUB_ADDRESS} {NAME}' >> /etc/hosts"
    )
    usual = site.settings
    site.write(usual | {"platform_vo_name": NAME})
    site.play("site").require_success()
    yield
    site.write(usual)
    site.play("site").require_success()


def test_virtual_observatory_gets_a_name_of_its_own(own_name: None, site: Site, acme: Path) -> None:
    def get(path: str, *options: str) -> str:
        return subprocess.run(
            ["curl", "-sS", "--retry", "30", "--retry-all-errors", "--retry-delay", "1", "--cacert",
             acme, "--resolve", f"{NAME}:443:{HUB_ADDRESS}", *options, f"https://{NAME}{path}"],
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout  # fmt: skip

    capabilities = get("/vo/tap/capabilities")
    assert f"https://{NAME}/vo/tap" in capabilities
    assert PORTAL not in capabilities
    query = "/vo/tap/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+COUNT(*)+AS+n+FROM+tap_schema.schemas"
    assert int(get(query).split()[1]) >= 1
    where = ("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}")
    assert get("/", *where) == f"302 https://{NAME}/vo/tap"
    assert get("/curate/", *where) == f"302 https://{PORTAL}/curate/"
    site.play("verify").require_success()
