"""Usage, quotas, pause, export and erasure where servers are containers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.e2e.platforms import KM3HUB, Person
from tests.e2e.servers import start_kernel, start_server, stop_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site
from tests.waiting import wait_until

#: A pass in a minute at most, and another one to be sure.
PASSES = 180


#: More than these tests can use.
SETTINGS = "usage: {quotas: [{cpu_hours: 100}]}"


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    return start_site(SETTINGS)


@pytest.fixture(scope="module")
def ada(site: Site) -> Person:
    """A user with a running server."""
    person = site.add("ada")
    start_server(person, {"environment": "stack", "size": "small"})
    return person


def hub(site: Site, *arguments: str) -> str:
    return run("docker", "exec", site.names.hub, "km3hub", *arguments).stdout


def usage(site: Site, name: str) -> dict[str, Any]:
    found = json.loads(hub(site, "usage", "--json", "--users"))
    return next((row for row in found["by_user"] if row["user"] == name), {"cpu_hours": 0})


def burned(site: Site, person: Person) -> float:
    """CPU hours of a server, as its own control group counts them."""
    script = (
        "import pathlib; v1 = pathlib.Path('/sys/fs/cgroup/cpuacct/cpuacct.usage');"
        "print(int(v1.read_text()) / 1e9 if v1.exists() else"
        " int(pathlib.Path('/sys/fs/cgroup/cpu.stat').read_text().split()[1]) / 1e6)"
    )
    done = site.server(person).exec_run(["/opt/km3net/bin/python", "-c", script])
    return float(done.output) / 3600


def test_processor_time_is_that_of_the_control_group(site: Site, ada: Person) -> None:
    kernel = start_kernel(ada)
    kernel.run("import time\nend = time.process_time() + 20\nwhile time.process_time() < end: pass")
    least = burned(site, ada)
    assert least > 20 / 3600
    wait_until(
        lambda: usage(site, "ada")["cpu_hours"] >= round(least, 3) - 0.002,
        seconds=PASSES,
        what=lambda: f"{usage(site, 'ada')} is counted of {least}",
    )
    assert usage(site, "ada")["cpu_hours"] <= burned(site, ada) + 0.002


def test_jupyterlab_shows_the_quota_and_reports_busy_kernels(site: Site, ada: Person) -> None:
    kernel = start_kernel(ada)
    assert re.search(
        r"You have \S+ of 100 CPU hours left",
        kernel.run("print(open('/home/km3/Welcome.md').read())"),
    )
    query = (
        "import sqlite3; print(sqlite3.connect('/srv/km3hub/usage.sqlite')"
        ".execute(\"SELECT kernel_busy FROM server WHERE user = 'ada'\").fetchone())"
    )

    def busy() -> str:
        return run("docker", "exec", site.names.hub, "python", "-c", query).stdout.strip()

    before = busy()
    # Longer than the minute between two reports.
    kernel.run("import time; time.sleep(70)", timeout=150)
    wait_until(lambda: busy() not in {before, "None"}, seconds=PASSES, what=busy)


def test_the_count_survives_a_new_hub(site: Site, ada: Person) -> None:
    before = usage(site, "ada")["cpu_hours"]
    site.container(site.names.hub).restart()
    wait_until(
        lambda: site.container(site.names.hub).attrs["State"]["Health"]["Status"] == "healthy",
        seconds=PASSES,
        what="the hub is back",
    )
    wait_until(
        lambda: usage(site, "ada")["server_hours"] > 0 and usage(site, "ada")["cpu_hours"] > 0,
        seconds=PASSES,
        what="it is read again",
    )
    after = usage(site, "ada")["cpu_hours"]
    assert before <= after <= burned(site, ada) + 0.002


def administer(site: Site, *arguments: str | Path) -> str:
    """Runs `km3hub ARGUMENTS` on the machine of the platform, not in its containers."""
    environment = {**os.environ, "KM3_PROJECT": site.platform.project}
    environment["KM3_STATE"] = str(site.platform.state)
    done = subprocess.run([KM3HUB, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pause_and_resume_by_the_administrators_command(site: Site) -> None:
    bob = site.add("bob")
    administer(site, "pause", "--reason", "New disks until noon.")
    try:
        with bob.client() as client:
            refusal = client.post("/hub/api/users/bob/server", json={})
        assert refusal.status_code in {400, 503}
        assert "New disks until noon." in refusal.json()["message"]
    finally:
        administer(site, "resume")
    start_server(bob, {"environment": "stack", "size": "small"})
    stop_server(bob)


def everything(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read().decode(errors="replace")
            for member in archive
            if member.isfile() and (file := archive.extractfile(member))
        }


def _write(site: Site, person: Person) -> None:
    kernel = start_kernel(person)
    kernel.run("open('/home/km3/results.csv', 'w').write('energy of the user')")


def test_a_person_is_exported_and_erased(site: Site, ada: Person, tmp_path: Path) -> None:
    _write(site, ada)
    archive = tmp_path / "ada.tar.gz"
    administer(site, "accounts", "export", "ada", "--output", archive)
    found = everything(archive)
    assert found["home/results.csv"] == "energy of the user"
    assert json.loads(found["account.json"])["admin"] is False
    assert "(ada@" in found["log.txt"]
    assert "argon2" not in "".join(found[name] for name in found if not name.startswith("home/"))

    assert "What remains:" in administer(site, "accounts", "erase", "ada", "--yes")
    assert site.names.server("ada") not in site.servers()
    volumes = {volume.name for volume in site.engine.volumes.list()}
    assert site.names.home("ada") not in volumes
    assert usage(site, "ada") == {"cpu_hours": 0}
    users = json.loads(hub(site, "accounts", "list", "--json"))
    assert "ada" not in {user["name"] for user in users}


def test_a_machine_without_a_checkout_exports_from_the_hubs_image(
    site: Site, tmp_path: Path
) -> None:
    eve = site.add("eve")
    start_server(eve, {"environment": "stack", "size": "small"})
    _write(site, eve)
    stop_server(eve)
    # The commands of docs/admins.md.
    shown = run("docker", "inspect", "--format", "{{.Config.Image}}", site.names.hub)
    image = shown.stdout.strip()
    typed = (
        "docker run --rm --user root -v /var/run/docker.sock:/var/run/docker.sock"
        ' -v /etc/km3net:/etc/km3net:ro -v "$PWD":/out -w /out IMAGE km3hub accounts --state /tmp'
        f" export --hub {site.names.hub} eve"
    )
    script = re.sub("IMAGE", image, typed)
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert everything(next(tmp_path.glob("eve-*.tar.gz")))["home/results.csv"] == (
        "energy of the user"
    )
