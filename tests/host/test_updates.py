"""Updates of Docker that wait are found in the package lists, and the administrator is told."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from km3host.cli import cli
from km3host.verify.updates import NAMES, PREFIXES, Update, waiting
from tests.commands import run
from tests.deploy.sources import DEPLOY
from tests.host.test_verify import USUAL

STANZA = (
    "Package: {}\nStatus: install ok installed\nArchitecture: all\nMaintainer: t\nVersion: {}\n\n"
)
OFFER = "Package: {0}\nArchitecture: all\nVersion: {1}\nFilename: {0}.deb\nSize: 1\nSHA256: {2}\n\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package lists of a machine, for apt: what is installed and what a repository offers."""
    if not shutil.which("apt-cache"):
        pytest.skip("apt is missing: run it on Debian or Ubuntu")
    for folder in ("lists/partial", "cache/archives/partial", "parts", "repository"):
        (tmp_path / folder).mkdir(parents=True)
    installed = (("docker.io", "26.1.5-1"), ("runc", "1.1.15-1"), ("curl", "8.0-1"))
    (tmp_path / "status").write_text("".join(STANZA.format(*package) for package in installed))
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{tmp_path}/repository ./\n")
    (tmp_path / "apt.conf").write_text(
        f'''Dir::State::status "{tmp_path}/status"; Dir::State::lists "{tmp_path}/lists";
Dir::Cache "{tmp_path}/cache"; Dir::Etc::sourcelist "{tmp_path}/sources.list";
Dir::Etc::sourceparts "{tmp_path}/parts"; Dir::Etc::preferencesparts "{tmp_path}/parts";
APT::Sandbox::User "root"; Acquire::Languages "none";
'''
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    return tmp_path


def offer(machine: Path, *packages: tuple[str, str]) -> None:
    """Offer these versions, and update the package lists."""
    text = "".join(OFFER.format(*package, "0" * 64) for package in packages)
    (machine / "repository" / "Packages").write_text(text)
    run("apt-get", "update")


def test_only_newer_versions_of_installed_packages_of_docker_wait(machine: Path) -> None:
    offer(machine, ("docker.io", "26.1.5-2"), ("runc", "1.1.15-1"), ("containerd", "1.7"),
          ("curl", "9.0-1"))  # fmt: skip
    assert waiting() == [Update("docker.io", "26.1.5-2", "26.1.5-1")]


@pytest.mark.parametrize(
    "package",
    [
        # Debian's, and those of Docker's own repository.
        *("docker-registry", "docker-compose", "docker-buildx", "containerd", "runc"),
        *("docker-ce-rootless-extras", "docker-model-plugin", "containerd.io"),
    ],
)
def test_whatever_the_nightly_updates_leave_out_waits(machine: Path, package: str) -> None:
    with (machine / "status").open("a") as status:
        status.write(STANZA.format(package, "0.9-1"))
    offer(machine, (package, "2:1.0-1"))
    assert Update(package, "2:1.0-1", "0.9-1") in waiting()


def test_these_are_the_packages_that_the_role_excludes() -> None:
    templates = DEPLOY / "roles/base/templates"
    debian = (templates / "unattended-upgrades.j2").read_text()
    excluded = {f"^{prefix}" for prefix in PREFIXES} | {f"^{name}$" for name in NAMES}
    assert set(re.findall(r'^  "(.*)";$', debian, re.M)) == excluded
    (line,) = re.findall(
        r"^excludepkgs = (.*)$", (templates / "automatic.conf.j2").read_text(), re.M
    )
    assert set(line.split(", ")) == {f"{prefix}*" for prefix in PREFIXES} | set(NAMES)


def test_nothing_waits_on_a_machine_that_is_current(machine: Path) -> None:
    offer(machine, ("docker.io", "26.1.5-1"), ("runc", "1.1.14-1"))
    assert waiting() == []


def test_the_command_says_it_and_writes_a_metric_without_failing(machine: Path) -> None:
    offer(machine, ("runc", "1.2.0-1"))
    file, metrics = machine / "verify.json", machine / "km3net.prom"
    file.write_text(json.dumps(USUAL | {"folder": str(machine), "disk_percent": 0}))
    names = ("services", "containers", "images", "filters", "published", "web", "certificates",
             "backup", "secrets", "visit")  # fmt: skip
    skipped = [word for name in names for word in ("--skip", name)]
    command = ["verify", "--configuration", str(file), "--textfile", str(metrics), *skipped]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert "update  not installed automatically: runc 1.1.15-1 -> 1.2.0-1" in done.output
    line = 'km3net_update_waiting{package="runc",version="1.2.0-1"} 1'
    assert line in metrics.read_text().splitlines()


def test_a_broken_package_manager_hides_no_check(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "apt.conf").write_text("this is no configuration {")
    file = machine / "verify.json"
    file.write_text(json.dumps(USUAL | {"folder": str(machine), "disk_percent": 101}))
    command = ["verify", "--configuration", str(file)]
    names = ("services", "containers", "images", "filters", "published", "web", "certificates",
             "backup", "secrets", "visit")  # fmt: skip
    done = CliRunner().invoke(cli, [*command, *(w for n in names for w in ("--skip", n))])
    assert done.exit_code == 1
    assert "FAILED  disk:" in done.output
    assert "Traceback" not in done.output
