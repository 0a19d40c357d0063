"""One click on a link to somebody's server, where the servers run in containers.

Ada, Eve and an administrator have real containers. As anybody can who controls their own server,
they put another program in its place: the proxy's connections to it end at `hostile_server.py`,
and those that it kept are cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from km3settings.names import Names
from tests.commands import run
from tests.e2e.platforms import Person, Platform
from tests.e2e.servers import start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site
from tests.hub.origins.conftest import HOSTILE, PASSWORD, USERS
from tests.hub.origins.test_attacks import (  # noqa: F401 - they run here again
    browser,
    page,
    test_a_file_from_elsewhere_is_sandboxed_in_its_owners_browser,
    test_a_page_of_another_user_ends_no_session,
    test_a_page_of_another_user_gets_nothing,
    test_administrators_cannot_open_servers_on_the_same_host,
    test_no_cookie_of_the_hub_reaches_a_users_server,
    test_owners_use_their_servers_as_before,
    test_the_login_form_is_never_at_a_users_address,
)
from tests.hub.running import Client, Loopback
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

#: Where the other program listens in a container; the server itself has 8888.
PORT = 9999
TAKE_OVER = f"""
table ip attack {{
    chain before {{
        type nat hook prerouting priority -100;
        tcp dport 8888 redirect to :{PORT}
    }}
    chain kept {{
        type filter hook input priority 0;
        tcp dport 8888 reject with tcp reset
    }}
}}
"""


@dataclass
class AttackedSite:
    """What `AttackedHub` is for a hub on this machine."""

    site: Site
    own: bool

    @property
    def platform(self) -> Platform:
        return self.site.platform

    @property
    def address(self) -> str:
        return f"http://localhost:{self.platform.port}"

    @property
    def eve(self) -> str:
        return f"http://eve.localhost:{self.platform.port}" if self.own else self.address

    def client(self) -> Client:
        return Client(base_url=self.address, timeout=90, transport=Loopback())

    def server(self, name: str) -> str:
        return Names(self.platform.project).server(name)

    def inside(self, name: str, script: str, text: str = "") -> str:
        """Run a shell script as the owner of a server, in its container."""
        command = ["docker", "exec", "-i", self.server(name), "sh", "-c", script]
        return run(*command, input=text).stdout

    def take_over(self, name: str) -> None:
        """Start somebody's server, and put the hostile program in its place."""
        start_server(Person.log_in(self.platform.address, name, PASSWORD))
        self.inside(name, "mkdir -p ~/hostile")
        for file in (HOSTILE, HOSTILE.with_name("attack.html")):
            self.inside(name, f"cat > ~/hostile/{file.name}", file.read_text(encoding="utf-8"))
        variable = f"JUPYTERHUB_SERVICE_URL=http://0.0.0.0:{PORT}"
        run(
            *("docker", "exec", "-d", "-e", variable, "-w", "/home/km3", self.server(name)),
            *("/opt/lab/bin/python", f"/home/km3/hostile/{HOSTILE.name}"),
        )
        process = self.site.container(self.server(name)).attrs["State"]["Pid"]
        run("nsenter", "--net", f"--target={process}", "nft", "-f", "-", input=TAKE_OVER)
        with Person.log_in(self.platform.address, name, PASSWORD).client() as client:
            wait_until(
                lambda: client.get(f"/user/{name}/worker.js").text.startswith("self."),
                seconds=60,
                what=f"the hostile program answers in the place of the server of {name}",
            )

    def loot(self, name: str = "eve") -> list[dict[str, str]]:
        """What somebody's server got hold of."""
        text = self.inside(name, "cat ~/loot.jsonl 2>/dev/null || true")
        return [json.loads(line) for line in text.splitlines()]

    def forget_loot(self) -> None:
        """Begin again."""
        for name in USERS:
            self.inside(name, "rm -f ~/loot.jsonl")


@pytest.fixture(scope="module", params=["own", "shared"])
def protected(start_site: StartSite, request: pytest.FixtureRequest) -> Iterator[AttackedSite]:
    """A platform in containers, with host names for users' servers and without."""
    settings = "services: {opendata: {enabled: false}}\n"
    if request.param == "shared":
        settings += "site: {user_origins: shared}\n"
    site = start_site(settings)
    for name in USERS:
        add = ["km3hub", "accounts", "add", name, "--password-stdin"]
        if name == "root":
            add.append("--admin")
        run("docker", "exec", "-i", site.names.hub, *add, input=PASSWORD)
    attacked = AttackedSite(site, own=request.param == "own")
    for name in USERS:
        attacked.take_over(name)
    yield attacked
    site.platform.stop()
