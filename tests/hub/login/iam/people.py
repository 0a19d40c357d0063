"""People at the provider, and what they do at the hub."""

from __future__ import annotations

from typing import Any

import httpx

from tests.hub.login.conftest import Site
from tests.hub.running import Client
from tests.waiting import wait_until


def person(name: str, *groups: str) -> dict[str, Any]:
    return {"preferred_username": name, "name": name.title(), "wlcg.groups": list(groups)}


PEOPLE = {
    name: person(name, *groups)
    for name, groups in {
        "ada": ("/escape", "/escape/km3net"),
        "boss": ("/escape", "/escape/admins"),
        "bob": ("/escape",),
        "guest": ("/other",),
        "nobody": (),
        "leaver": ("/escape",),
        "climber": ("/escape",),
        "renewed": ("/escape",),
        "stays": ("/escape",),
        "visitor": ("/escape",),
        "scientist": ("/escape",),
        "site-check": ("/escape",),
    }.items()
} | {"Odd.Name": {**person("Odd.Name", "/escape"), "name": "Odd <b>Name"}}


def start_server(browser: Client, name: str, **options: str) -> httpx.Response:
    answer = browser.api("POST", f"/users/{name}/server", json=options)
    if answer.status_code in (201, 202):
        wait_until(
            lambda: browser.api("GET", f"/users/{name}").json()["servers"][""]["ready"],
            seconds=30,
            what="the server is ready",
        )
    return answer


def token_of_server(site: Site, name: str) -> dict[str, str]:
    """What the server of a user sends to the hub."""
    import psutil

    for process in psutil.Process(site.hub.process.pid).children(recursive=True):
        environment = process.environ()
        if environment.get("JUPYTERHUB_USER") == name:
            return {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    raise AssertionError(f"{name} has no server")
