"""A workshop where servers are containers: accounts, work, and the archive of a volume."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.commands import run
from tests.e2e.platforms import Person
from tests.e2e.servers import start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site, escaped


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    return start_site()


def hub(site: Site, *arguments: str) -> str:
    return run("docker", "exec", site.names.hub, "km3hub", *arguments).stdout


def test_a_workshop_is_created_used_and_closed(site: Site, tmp_path: Path) -> None:
    hub(
        site,
        *("workshop", "create", "school", "--participants=2", "--until=2999-01-31"),
        *("--environment=stack", "--size=small"),
    )
    pdf = subprocess.run(
        [
            *("docker", "exec", "-i", site.names.hub, "km3hub"),
            *("workshop", "handout", "school", "--format=pdf"),
        ],
        capture_output=True,
        check=True,
    )
    assert pdf.stdout.startswith(b"%PDF-")
    table = hub(site, "workshop", "handout", "school", "--format=csv").lstrip("\ufeff")
    row = next(csv.DictReader(io.StringIO(table)))
    person = Person.log_in(site.platform.address, row["account"], row["password"])
    start_server(person, {})
    script = (
        "cd /home/km3 && printf 'energy' > result.csv && ln result.csv second &&"
        " ln -s /etc/passwd link && mkfifo pipe && chmod 000 result.csv"
    )
    done = site.server(person).exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output

    assert site.names.server(escaped("school-01")) in site.servers()

    # The command of docs/workshops.md, without a terminal.
    image = run("docker", "inspect", "--format", "{{.Config.Image}}", site.names.hub).stdout
    typed = (
        "docker run --rm --user root -v /var/run/docker.sock:/var/run/docker.sock"
        ' -v "$PWD":/out -w /out IMAGE km3hub workshop --state /tmp close'
        f" --hub {site.names.hub} school --yes"
    )
    script = re.sub("IMAGE", image.strip(), typed)
    closed = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert closed.returncode == 0, closed.stderr
    assert site.names.server(escaped("school-01")) not in site.servers()
    volumes = {volume.name for volume in site.engine.volumes.list()}
    assert site.names.home(escaped("school-01")) not in volumes
    accounts = json.loads(hub(site, "accounts", "list", "--json"))
    assert "school-01" not in {account["name"] for account in accounts}

    archive = f"/srv/km3hub/workshops/school/archives/{person.name}.zip"
    data = subprocess.run(
        ["docker", "exec", site.names.hub, "cat", archive], capture_output=True, check=True
    ).stdout
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.read("home/result.csv") == packed.read("home/second") == b"energy"
        assert packed.read("home/link") == b"/etc/passwd"
        assert hashlib.sha256(b"energy").hexdigest() in packed.read("SHA256SUMS").decode()
    text = (tmp_path / "school-downloads.csv").read_text(encoding="utf-8-sig")
    assert [row["account"] for row in csv.DictReader(io.StringIO(text))] == ["school-01"]
