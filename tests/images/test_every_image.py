"""What holds for every image of the platform."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.images.container import ALL, ENVIRONMENTS, ROOT, Container, docker, inspect

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
LABELS = ("title", "description", "version", "revision", "source", "licenses", "vendor")


def test_only_firewall_and_homes_run_as_root(image: str, idle: Idle) -> None:
    user = idle(image).run("id", "-un").stdout.strip()
    number = idle(image).run("id", "-u").stdout.strip()
    assert (user, number) == (("root", "0") if image in ("firewall", "homes") else ("km3", "1000"))


def test_labels_name_the_image_and_its_source(image: str) -> None:
    labels = inspect(image)["Config"]["Labels"]
    missing = [name for name in LABELS if not labels.get(f"org.opencontainers.image.{name}")]
    assert missing == []
    assert labels["org.opencontainers.image.version"] != "unversioned"
    assert labels["org.opencontainers.image.licenses"] == "BSD-3-Clause"


def test_titles_differ(need: Callable[[str], str]) -> None:
    titles = {
        inspect(need(name))["Config"]["Labels"]["org.opencontainers.image.title"] for name in ALL
    }
    assert len(titles) == len(ALL)


def test_nothing_below_opt_can_be_changed(image: str, idle: Idle) -> None:
    find = ("find", "/opt", "-not", "-type", "l", "-writable")
    # Not as the image's own user: that of firewall and homes is root, who can change everything.
    assert docker("exec", "--user=1000", idle(image).identity, *find).stdout == ""


def test_the_manifest_lists_what_is_installed(image: str, idle: Idle) -> None:
    container = idle(image)
    manifest = json.loads(container.run("cat", "/opt/manifest.json").stdout)
    listed = container.run("dpkg-query", "--show", "--showformat", "${Package}\n").stdout.split()
    assert sorted(manifest["debian"]) == sorted(listed)
    assert set(manifest["python"]) == {prefix for prefix, *_ in ENVIRONMENTS.get(image, ())}
    assert ("configurable-http-proxy" in manifest["node"]) == (image == "proxy")


def test_packages_fetched_by_apt_leave_nothing_behind(image: str, idle: Idle) -> None:
    left = idle(image).run(
        "find", "/var/cache/apt", "/var/lib/apt/lists", "-type", "f", "-size", "+1k", check=False
    )
    assert left.stdout == ""


def test_the_site_certificates_are_trusted(image: str, idle: Idle) -> None:
    folder = ROOT / "images/base/certs"
    ours = [file.read_text().strip() for file in folder.glob("*.crt")]
    if not ours:
        pytest.skip("no site certificates: put some into images/base/certs and `make images`")
    bundle = idle(image).run("cat", "/etc/ssl/certs/ca-certificates.crt").stdout
    assert [text for text in ours if text not in bundle] == []
