"""The wildcard certificate of users' host names, from a real ACME service by a DNS record."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest

from tests.deploy.sources import DEPLOY, module
from tests.ports import free_ports
from tests.waiting import wait_until

certificates = module("tests/certificates.py")
TEMPLATES = DEPLOY / "roles/proxy/templates"
PROGRAMS = ("lego", "pebble", "pebble-challtestsrv")
#: How lego's provider `exec` sets a record: it calls this with `present` or `cleanup`.
RECORD = """#!/bin/bash
set -euo pipefail
action=set-txt; [[ $1 == present ]] || action=clear-txt
curl --silent --fail --data "{\\"host\\": \\"$2\\", \\"value\\": \\"$3\\"}" http://127.0.0.1:PORT/$action
"""


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A running ACME service; the settings with which the role finds it."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} are missing; run: make tools")
    dns = free_ports(2)
    port = free_ports(2)
    web = free_ports(2)
    (tmp_path / "authority").mkdir()
    authority = certificates.Authority(tmp_path / "authority")
    certificate, key = authority.issue("acme", ["localhost"])
    file = tmp_path / "pebble.json"
    own = {
        "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{port + 1}",
        "certificate": str(certificate), "privateKey": str(key), "httpPort": web,
        "tlsPort": web + 1, "ocspResponderURL": "", "externalAccountBindingRequired": False,
    }  # fmt: skip
    file.write_text(json.dumps({"pebble": own}))
    names = ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{dns}", "-management",
             f"127.0.0.1:{dns + 1}", "-http01", "", "-https01", "", "-tlsalpn01", ""]  # fmt: skip
    service = ["pebble", "-config", str(file), "-dnsserver", f"127.0.0.1:{dns}"]
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    running = [subprocess.Popen(command, env=environment) for command in (names, service)]
    directory = f"https://localhost:{port}/dir"
    trust = ssl.create_default_context(cafile=str(authority.file))
    wait_until(
        lambda: httpx.get(directory, verify=trust).is_success,
        seconds=30,
        what="the ACME service answers",
        ignoring=httpx.TransportError,
    )
    record = tmp_path / "record"
    record.write_text(RECORD.replace("PORT", str(dns + 1)))
    record.chmod(0o755)
    yield {
        "proxy_acme_directory": directory,
        "proxy_acme_dns_settings": {"EXEC_PATH": str(record)},
        "proxy_acme_dns_options": [f"--dns.resolvers=127.0.0.1:{dns}", "--dns.disable-cp"],
        "authority": str(authority.file),
    }
    for process in running:
        process.terminate()
        process.wait(30)


def test_the_certificate_is_for_every_users_host_name(tmp_path: Path, acme: dict[str, Any]) -> None:
    files = tmp_path / "caddy"
    files.mkdir()
    settings = {
        **acme,
        "ansible_managed": "Managed by Ansible",
        "platform_hub_name": "hub.example.org",
        "proxy_acme_dns": "exec",
        "proxy_acme_email": "admin@example.org",
        "proxy_acme_key_id": "",
        "proxy_wildcard_folder": str(tmp_path / "lego"),
        "proxy_wildcard_files": str(files),
        "proxy_wildcard_group": str(os.getgid()),
    }
    text = (TEMPLATES / "km3net-wildcard.j2").read_text()
    program = tmp_path / "km3net-wildcard"
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)  # noqa: S701
    program.write_text(environment.from_string(text).render(**settings))
    access = {**os.environ, **acme["proxy_acme_dns_settings"],
              "LEGO_CA_CERTIFICATES": acme["authority"]}  # fmt: skip
    for _ in range(2):  # the second time nothing is due
        done = subprocess.run(["bash", str(program)], env=access, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(files / "wildcard.pem"), "-noout", "-checkhost",
         "ada.hub.example.org"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "does match certificate" in shown.stdout
    assert (files / "wildcard-key.pem").stat().st_mode & 0o777 == 0o640
