"""The images start, say that they are well, and refuse what cannot work."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from tests.images.container import Container, docker, inspect

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
Start = Callable[..., Container]
#: The image's own interval is made for months of running, not for a test.
SOON = "--health-interval=1s"


def test_lab_opens_at_the_address_that_it_prints(lab: str, start: Start) -> None:
    container = start(lab, SOON, "--network=bridge", "--publish=127.0.0.1::8888")
    container.wait_until_healthy()
    printed = re.search(r"http://127\.0\.0\.1:8888(/\S+)", container.log())
    assert printed, container.log()
    published = docker("port", container.identity, "8888").stdout.split()[0]
    page = httpx.get(f"http://{published}{printed[1]}", follow_redirects=True, timeout=60)
    assert page.status_code == 200
    assert "<title>JupyterLab</title>" in page.text
    bare = httpx.get(f"http://{published}/api/contents", timeout=60)
    assert bare.status_code == 403


def test_lab_becomes_healthy_without_network(lab: str, start: Start) -> None:
    start(lab, SOON, "--network=none").wait_until_healthy()


def test_the_health_check_fails_where_nothing_answers(image: str, idle: Idle) -> None:
    assert idle(image).run("km3-http-health", "9", "/", check=False).returncode != 0


def test_services_check_their_own_health(need: Callable[[str], str]) -> None:
    for name in ("stack", "joint", "hub", "proxy"):
        assert inspect(need(name))["Config"]["Healthcheck"]["Test"][0] == "CMD"


def test_the_proxy_becomes_healthy(start: Start) -> None:
    start("proxy", SOON, "--env=CONFIGPROXY_AUTH_TOKEN=only-for-this-test").wait_until_healthy()


def test_the_proxy_refuses_to_run_without_a_token(start: Start) -> None:
    container = start("proxy")
    assert docker("wait", container.identity).stdout.strip() != "0"
    assert "set CONFIGPROXY_AUTH_TOKEN to the secret shared with the hub" in container.log()


def test_the_proxy_is_version_5_or_later(idle: Idle) -> None:
    said = idle("proxy").run("configurable-http-proxy", "--version").stdout
    assert int(said.split(".")[0]) >= 5


def test_the_hub_is_jupyterhub_6_with_the_platform(idle: Idle) -> None:
    container = idle("hub")
    assert container.run("jupyterhub", "--version").stdout.startswith("6.")
    assert "accounts" in container.run("km3hub", "--help").stdout


def test_the_hub_can_write_its_state_and_nothing_of_its_configuration(idle: Idle) -> None:
    container = idle("hub")
    container.run("touch", "/srv/km3hub/probe")
    assert container.run("touch", "/etc/km3net/probe", check=False).returncode != 0


def test_the_data_center_becomes_healthy_and_answers_adql(start: Start) -> None:
    container = start("opendata", SOON)
    container.wait_until_healthy()
    container.run("opendata", "seed")
    query = (
        "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8090/vo/tap/sync?LANG=ADQL"
        "&FORMAT=csv&QUERY=SELECT+TOP+1+id+FROM+ant20_01.main').read().decode())"
    )
    answer = container.run("python", "-c", query).stdout.split()
    assert answer == ["id", "SIM0001"]
