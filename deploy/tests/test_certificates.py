"""Sources of certificates, reports of expiring ones, and service without any."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path

import httpx
import pytest

from deploy.tests.certificates import Authority
from deploy.tests.conftest import BOUND, HUB, PORTAL
from deploy.tests.containers import HERE, Machine
from deploy.tests.site import Play, Site

ADDRESS = f"https://{HUB}"


def test_expiring_certificate_is_reported_and_replaced(
    deployed: Machine, site: Site, authority: Authority
) -> None:
    usual = site.settings

    def bring(days: int) -> Play:
        certificate, key = authority.issue("site", [HUB, PORTAL], days=days)
        own = {"proxy_tls": "files", "proxy_certificate": str(certificate), "proxy_key": str(key)}
        site.write(usual | own)
        site.play("site").require_success()
        return site.play("verify", "-e", "verify_visit=false")

    try:
        ending = bring(days=5)
        assert ending.code != 0
        assert re.search(r"certificate of \S+ ends in [45] days", " ".join(ending.output.split()))
        bring(days=80).require_success()
    finally:
        site.write(usual)


def test_acme_service_that_knows_its_accounts_gives_a_certificate(
    saved: Machine, site: Site, acme: Path
) -> None:
    usual = site.settings
    account = json.loads((HERE / "acme" / "pebble-bound.json").read_text())["pebble"]
    name, key = next(iter(account["externalAccountMACKeys"].items()))
    root = ssl.create_default_context(cafile=str(acme.with_name("bound-root.pem")))
    with pytest.raises(httpx.ConnectError, match=r"self-signed|unable to get local issuer"):
        httpx.get(f"{ADDRESS}/hub/login", verify=root, timeout=60)
    secrets = {"vault_backup_password": "a password of the tests"}
    try:
        site.write_secrets(secrets | {"vault_acme_mac_key": key})
        bound = {
            "proxy_acme_directory": BOUND,
            "proxy_acme_key_id": name,
            "proxy_acme_mac_key": "{{ vault_acme_mac_key }}",
        }
        site.write(usual | bound)
        assert key not in site.play("site", "--diff").require_success().output
        # Of that service, and of no other.
        assert httpx.get(f"{ADDRESS}/hub/login", verify=root, timeout=60).status_code == 200
    finally:
        site.write(usual)
        site.write_secrets(secrets)


def test_trial_deployment_uses_caddys_own_authority(saved: Machine, site: Site) -> None:
    usual = site.settings
    try:
        site.write(usual | {"proxy_tls": "internal", "verify_authority": ""})
        site.play("site").require_success()
        site.play("verify").require_success()
        # Nobody else knows that authority.
        with pytest.raises(httpx.ConnectError, match=r"self-signed|unable to get local issuer"):
            httpx.get(f"{ADDRESS}/hub/login", timeout=60)
    finally:
        site.write(usual)


def test_plain_http_is_served_if_configured(saved: Machine, site: Site) -> None:
    usual = site.settings
    try:
        site.write(usual | {"proxy_tls": "none"})
        site.play("site").require_success()
        site.play("verify").require_success()
        for name, path in ((HUB, "/hub/login"), (PORTAL, "/")):
            answer = httpx.get(f"http://{name}{path}", timeout=60)
            assert answer.status_code == 200
            assert "strict-transport-security" not in answer.headers
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{ADDRESS}/hub/login", timeout=60)
    finally:
        site.write(usual)


def test_forwarded_addresses_of_the_sites_proxy_are_trusted(saved: Machine, site: Site) -> None:
    usual = site.settings
    # What a client says of itself comes first; the site's proxy adds whom it saw.
    said = {"X-Forwarded-For": "198.51.100.1, 192.0.2.77", "X-Forwarded-Proto": "https"}
    # Only the address that the tests come from speaks for others.
    trusted = {"proxy_tls": "none", "proxy_trusted": ["10.199.250.1"]}
    try:
        site.write(usual | trusted)
        site.play("site").require_success()
        site.play("verify").require_success()
        answer = httpx.get(f"http://{HUB}/hub/login", headers=said, timeout=60)
        assert answer.status_code == 200
        lines = saved.run("sh", "-c", "docker logs --tail 200 km3net-hub 2>&1").splitlines()
        assert any("192.0.2.77" in line and "/hub/login" in line for line in lines)
    finally:
        site.write(usual)
    site.play("site").require_success()
    httpx.get(f"{ADDRESS}/hub/login", headers=said | {"X-Real-Ip": "192.0.2.78"}, timeout=60)
    assert "192.0.2.7" not in saved.run("sh", "-c", "docker logs km3net-hub 2>&1")
