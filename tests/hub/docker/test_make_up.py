"""`km3hub up` and `km3hub down` with containers."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import httpx
import pytest
from docker.errors import NotFound

from tests.commands import run
from tests.e2e.platforms import KM3HUB, PORTAL, ROOT, Platform, options
from tests.e2e.servers import start_kernel, start_server
from tests.hub.docker.platforms import Site
from tests.hub.docker.probes import get
from tests.ports import free_ports
from tests.waiting import wait_until


def up(
    folder: Path, *, port: int, settings: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`km3hub up` of a platform that is not meant to start."""
    config = folder / "platform.yaml"
    config.write_text(settings)
    words = ["up", "--mode", "docker", "--port", str(port)]
    words += options(folder / "state", config, "km3t-never")
    return run(KM3HUB, *words, status=None, cwd=ROOT, env={**os.environ, **(environment or {})})


@pytest.fixture
def folder(engine_and_images: None, tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def again(platform: Platform) -> str:
    port = str(free_ports(PORTAL + 1))  # another one than it runs on: the running one stays
    result = platform.command("up", "--mode", "docker", "--port", port)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_second_start_says_that_it_runs_and_where(site: Site) -> None:
    before = site.container(site.names.hub).attrs["State"]["StartedAt"]
    printed = again(site.platform)
    assert "already running" in printed
    assert "Applied" not in printed
    assert "was not applied: users' servers need port" in printed
    assert site.platform.address in printed
    assert site.container(site.names.hub).attrs["State"]["StartedAt"] == before


def test_new_banner_appears_without_a_restart(site: Site) -> None:
    before = site.container(site.names.hub).attrs["State"]["StartedAt"]
    # As editors do: a new file takes the old one's name.
    draft = site.platform.config.with_suffix(".new")
    draft.write_text("site: {banner: {text: Maintenance at noon}}")
    draft.rename(site.platform.config)
    page = f"{site.platform.address}/hub/login"
    wait_until(
        lambda: "Maintenance at noon" in httpx.get(page, timeout=60).text,
        seconds=60,
        what="the banner is shown",
        ignoring=Exception,
    )
    again(site.platform)
    assert site.container(site.names.hub).attrs["State"]["StartedAt"] == before


def test_changed_settings_recreate_the_hub_but_not_net(site: Site) -> None:
    hub, net = site.container(site.names.hub).id, site.container(site.names.net).id
    site.platform.config.write_text("culling: {idle_minutes: 30}")
    printed = again(site.platform)
    assert "Applied  culling.idle_minutes\n" in printed
    assert "already running" not in printed
    assert site.container(site.names.hub).id != hub
    assert site.container(site.names.net).id == net


def test_it_listens_on_this_machine_only(site: Site) -> None:
    port = site.platform.address.rsplit(":", 1)[1]
    published = site.container(site.names.net).ports["8000/tcp"]
    assert published == [{"HostIp": "127.0.0.1", "HostPort": port}]
    for name in (site.names.hub, site.names.proxy, site.names.firewall, site.names.keeper):
        assert not any(site.container(name).ports.values())


def test_portal_has_a_port_of_its_own_on_this_machine_only(site: Site) -> None:
    site.platform.await_portal()
    port = site.platform.portal.rsplit(":", 1)[1]
    published = site.container(site.names.opendata).ports["8090/tcp"]
    assert published == [{"HostIp": "127.0.0.1", "HostPort": port}]
    printed = site.platform.command("status").stdout
    assert f"Open Data  {site.platform.portal}\n" in printed


def test_portals_secrets_are_its_own_and_kept_from_others(site: Site) -> None:
    site.platform.await_portal()
    look = "stat -c '%a %U' /srv/opendata /srv/opendata/secrets /srv/opendata/secrets/*"
    found = site.container(site.names.opendata).exec_run(["sh", "-c", look]).output.decode()
    assert set(found.split("\n")) == {"700 km3", "600 km3", ""}


def test_portal_is_removed_and_restored_by_the_settings_and_keeps_its_data(site: Site) -> None:
    site.platform.await_portal()
    token = ["opendata", "token", "cora", "--role", "curator"]
    assert site.container(site.names.opendata).exec_run(token).exit_code == 0
    net = site.container(site.names.net).id
    site.apply("services: {opendata: {enabled: false}}")
    with pytest.raises(NotFound):
        site.container(site.names.opendata)
    assert "Open Data" not in httpx.get(f"{site.platform.address}/hub/login", timeout=60).text
    site.apply("")
    site.platform.await_portal()
    assert "Open Data" in httpx.get(f"{site.platform.address}/hub/login", timeout=60).text
    accounts = (
        "from opendata.accounts.models import User; print([u.username for u in User.objects.all()])"
    )
    shell = ["opendata", "django", "shell", "-c", accounts]
    assert "cora" in site.container(site.names.opendata).exec_run(shell).output.decode()
    assert site.container(site.names.net).id == net


def test_running_servers_reach_a_recreated_portal(site: Site) -> None:
    person = site.add("eve")
    start_server(person)
    kernel = start_kernel(person)
    address = "http://opendata:8090/health"
    site.platform.await_portal()
    assert get(kernel, address, token=False) == [200]
    site.container(site.names.opendata).remove(force=True)
    again(site.platform)
    wait_until(
        lambda: get(kernel, address, token=False) == [200],
        seconds=60,
        what="the keeper lets it join",
        ignoring=Exception,
    )


def test_secret_is_kept_from_others_and_from_logs(site: Site) -> None:
    file = site.platform.state / "secret-proxy"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for name in (site.names.hub, site.names.proxy, site.names.keeper):
        assert file.read_text().encode() not in site.container(name).logs()
    assert stat.S_IMODE((site.platform.state / "first-login.txt").stat().st_mode) == 0o600


def test_platforms_containers_have_no_more_rights_than_they_need(site: Site) -> None:
    rights = {
        name: (site.container(name).attrs["HostConfig"]["CapAdd"] or [])
        for name in (
            site.names.hub,
            site.names.proxy,
            site.names.net,
            site.names.keeper,
            site.names.broker,
            site.names.opendata,
        )
    }
    assert not any(rights.values())
    firewall = site.container(site.names.firewall).attrs["HostConfig"]
    assert [c.removeprefix("CAP_") for c in firewall["CapAdd"]] == ["NET_ADMIN"]
    for name in (*rights, site.names.firewall):
        host = site.container(name).attrs["HostConfig"]
        assert host["CapDrop"] == ["ALL"], name
        assert host["ReadonlyRootfs"], name
        assert not host["Privileged"], name
    sockets = [n for n in rights if "docker.sock" in str(site.container(n).attrs["Mounts"])]
    assert sockets == [site.names.broker]
    groups = {n: site.container(n).attrs["HostConfig"]["GroupAdd"] or [] for n in rights}
    assert [n for n in rights if groups[n]] == [site.names.broker]


def test_taken_port_is_reported_with_its_remedy(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = up(folder, port=port)
    assert result.returncode == 1
    assert f"Port {port} (login page) is in use" in result.stderr
    assert f"make up PORT={port + 1000}" in result.stderr


def test_missing_image_of_a_site_is_named(folder: Path) -> None:
    mine = "environments: [{name: mine, title: Mine, image: 'example.org/mine:1'}]"
    result = up(folder, port=free_ports(PORTAL + 1), settings=mine)
    assert result.returncode == 1
    assert "example.org/mine:1 (environment mine) is missing" in result.stderr
    assert "docker pull example.org/mine:1" in result.stderr


def test_settings_that_the_hub_may_not_read_are_named(folder: Path) -> None:
    folder.chmod(0o700)
    result = up(folder, port=free_ports(PORTAL + 1))
    assert result.returncode == 1
    assert "cannot read" in result.stderr
    assert "chmod o+rx" in result.stderr


def test_unresponsive_engine_is_reported(folder: Path) -> None:
    away = {"DOCKER_HOST": f"unix://{folder}/no-engine.sock"}
    result = up(folder, port=free_ports(PORTAL + 1), environment=away)
    assert result.returncode == 1
    assert "does not answer" in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_compose_is_reported(folder: Path) -> None:
    programs = folder / "bin"
    programs.mkdir()
    docker = shutil.which("docker")
    assert docker
    (programs / "docker").symlink_to(docker)
    only = {"PATH": str(programs), "DOCKER_CONFIG": str(folder)}
    if not run(docker, "compose", "version", status=None).returncode:
        pytest.skip("this docker brings compose along: run it where compose is a program apart")
    result = up(folder, port=free_ports(PORTAL + 1), environment=only)
    assert result.returncode == 1
    assert "Docker Compose is missing" in result.stderr


def test_down_takes_everything_away_but_the_data(site: Site) -> None:
    """The last one: it stops the platform."""
    person = site.add("ada")
    start_server(person)
    result = site.platform.command("down")
    assert result.returncode == 0, result.stderr
    label = {"label": f"org.km3net.project={site.platform.project}"}
    assert site.engine.containers.list(all=True, filters=label) == []
    of_compose = {"label": f"com.docker.compose.project={site.platform.project}"}
    assert site.engine.networks.list(filters=label) == []
    assert site.engine.networks.list(filters=of_compose) == []
    assert site.engine.containers.list(all=True, filters=of_compose) == []
    volumes = sorted(v.name for v in site.engine.volumes.list(filters=label))
    assert volumes == ["km3t-home-ada", "km3t-home-eve", "km3t-opendata", "km3t-state"]
    rules = site.engine.containers.run(
        "km3net/firewall",
        ["nft list tables"],
        entrypoint=["sh", "-c"],
        network_mode="host",
        cap_add=["NET_ADMIN"],
        remove=True,
    )
    assert f"km3net_{site.names.bridges}".encode() not in rules
    assert "The platform is not running" in site.platform.command("down").stdout
