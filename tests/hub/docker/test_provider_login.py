"""Logging in with a provider where hub and servers are containers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml
from docker.errors import APIError
from docker.models.containers import Container

from km3settings.names import Names
from tests.e2e.platforms import PORTAL, km3hub, options, remove_leftovers
from tests.oidc.running import CLIENT, HERE, SECRET, NoProvider, packages, settings
from tests.ports import free_ports
from tests.waiting import wait_until

PROJECT = "km3t-oidc"
PORT = 9400
ISSUER = f"http://127.0.0.1:{PORT}"
#: A browser's way through the login, in the network of hub and provider; then a server, and the
#: data token that this server gets.
VISIT = """
import re, sys, time
from html import unescape
from urllib.parse import urljoin
import httpx

with httpx.Client(base_url="http://127.0.0.1:8000", timeout=60, follow_redirects=True) as browser:
    page = browser.get("/hub/oauth_login")
    form = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    fields |= {"login": "ada", "password": "any"}
    page = browser.post(urljoin(str(page.url), unescape(form[1])), data=fields)
    print("login", page.status_code)
    if page.status_code != 200:
        sys.exit()
    xsrf = next(c.value for c in browser.cookies.jar if c.name == "_xsrf" and "hub" in c.path)
    headers = {"X-XSRFToken": xsrf}
    print("server", browser.post("/hub/api/users/ada/server", headers=headers).status_code)
"""
ASK = """
import os, urllib.request
request = urllib.request.Request(
    os.environ["JUPYTERHUB_API_URL"] + "/data-token",
    headers={"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]},
)
print(urllib.request.urlopen(request).status)
"""


class Site:
    """A platform whose provider lives in the network namespace of hub and proxy."""

    def __init__(self, folder: Path) -> None:
        self.engine = docker.from_env()
        self.names = Names(PROJECT)
        self.state, self.config = folder / "state", folder / "config" / "platform.yaml"
        self.secret_file = self.config.with_name("oidc-secret")
        self.config.parent.mkdir()
        self.state.mkdir(mode=0o700)
        self.port = free_ports(PORTAL + 1)
        oidc = {
            "provider": "escape-iam",
            "issuer": ISSUER,
            "client_id": CLIENT,
            "client_secret_file": self.secret_file.name,
            "allowed_groups": ["/escape"],
            "token_exchange": {"audience": "rucio"},
        }
        services = {"opendata": {"enabled": False}}
        written = {
            "login": {"method": "oidc", "oidc": oidc},
            "services": services,
            # The visit follows redirects in a container, where names below localhost are unknown.
            "site": {"user_origins": "shared"},
        }
        self.config.write_text(yaml.safe_dump(written))
        self.provider: Container | None = None

    def up(self, secret: str) -> str:
        """Write the secret as an administrator would, and run `km3hub up`."""
        self.secret_file.write_text(secret)
        self.secret_file.chmod(0o600)
        where = options(self.state, self.config, PROJECT)
        result = km3hub("up", "--mode", "docker", "--port", str(self.port), *where)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def start_provider(self, folder: Path) -> None:
        people = {"ada": {"preferred_username": "ada", "wlcg.groups": ["/escape"]}}
        back = "http://127.0.0.1:8000/hub/oauth_callback"
        file = folder / "provider.json"
        file.write_text(json.dumps(settings(port=PORT, shape="iam", callback=back, people=people)))
        read_only = {
            str(HERE / "provider.mjs"): {"bind": "/test/provider.mjs", "mode": "ro"},
            str(packages()): {"bind": "/test/packages", "mode": "ro"},
            str(file): {"bind": "/test/provider.json", "mode": "ro"},
        }
        self.provider = self.engine.containers.run(
            os.environ.get("KM3_IMAGE_PROXY", "km3net/proxy"),
            ["/test/provider.mjs", "/test/packages", "/test/provider.json"],
            entrypoint="node",
            user="0",
            network_mode=f"container:{self.names.net}",
            volumes=read_only,
            detach=True,
        )
        wait_until(
            lambda: b"listening" in self.provider.logs(),
            seconds=60,
            what="the provider listens",
            ignoring=Exception,
        )

    def hub(self) -> Container:
        return self.engine.containers.get(self.names.hub)

    def visit(self) -> str:
        return self.hub().exec_run(["python", "-c", VISIT]).output.decode()

    def stop(self) -> None:
        if self.provider:
            self.provider.remove(force=True, v=True)
        where = options(self.state, self.config, PROJECT)
        km3hub("down", *where)
        km3hub("clean", "--yes", *where)


@pytest.fixture(scope="module")
def site(engine_and_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    try:
        packages()
    except NoProvider as reason:
        pytest.skip(str(reason))
    remove_leftovers(PROJECT)
    folder = tmp_path_factory.mktemp("provider")
    folder.chmod(0o755)
    site = Site(folder)
    try:
        assert "Log in   with ESCAPE IAM" in site.up(SECRET)
        site.start_provider(folder)
        yield site
    finally:
        site.stop()


def test_a_member_logs_in_and_the_server_gets_data_tokens(site: Site) -> None:
    said = site.visit()
    assert "login 200" in said, said
    assert "server 20" in said, said

    def asked() -> bool:
        server = site.engine.containers.get(site.names.server("ada"))
        return server.exec_run(["python", "-c", ASK]).output.strip() == b"200"

    wait_until(asked, seconds=60, what="the server gets a data token", ignoring=Exception)


def test_the_secret_is_in_a_file_for_the_hub_alone(site: Site) -> None:
    names = (site.names.hub, site.names.proxy, site.names.net, site.names.keeper)
    for name in (*names, site.names.server("ada")):
        try:
            container = site.engine.containers.get(name)
        except APIError:
            assert name not in names
            continue
        assert SECRET not in json.dumps(container.attrs)
        assert SECRET.encode() not in container.logs()
    mode = site.hub().exec_run(["stat", "-c", "%a %U", "/srv/km3hub/secret-oidc-client"]).output
    assert mode.split() == [b"600", b"km3"]
    # The administrator's own file is nobody else's.
    assert site.secret_file.stat().st_mode & 0o777 == 0o600


def test_a_new_secret_counts_without_a_new_hub(site: Site) -> None:
    before = site.hub().attrs["State"]["StartedAt"]
    assert "already running" in site.up("another-secret")
    assert "login 503" in site.visit()
    site.up(SECRET)
    assert "login 200" in site.visit()
    assert site.hub().attrs["State"]["StartedAt"] == before
