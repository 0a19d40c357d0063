"""Each image contains its bill of materials, which is valid and complete."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tests.commands import run
from tests.images.container import ROOT, Container

PROGRAM = ROOT / "images" / "sbom" / "km3-sbom"
STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.41-12
Description: C library

Package: liblzma5
Status: install ok installed
Architecture: amd64
Source: xz-utils (5.8.1-1)
Version: 5.8.1-1+b2
Description: a binary that was built again

"""


def valid(text: str) -> dict[str, Any]:
    """The document, if CycloneDX's schema accepts it and its package URLs can be read."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    for component in document["components"]:
        assert PackageURL.from_string(component["purl"]).version == component["version"]
    return document


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small image: two Debian packages, a Python environment with two, and two npm packages."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=trixie\n")
    dpkg = tmp_path / "var/lib/dpkg"
    (dpkg / "info").mkdir(parents=True)
    (dpkg / "updates").mkdir()
    (dpkg / "status").write_text(STATUS)
    site = tmp_path / "opt/lab/lib/python3.13/site-packages"
    site.mkdir(parents=True)
    (tmp_path / "opt/lab/pyvenv.cfg").touch()
    (tmp_path / "opt/locks").mkdir()
    (tmp_path / "opt/locks/lab.txt").write_text("zope.interface==7.2 \\\n    --hash=sha256:0\n")
    for name, version, licence in (
        ("zope.interface", "7.2", "License-Expression: ZPL-2.1"),
        ("km3lab", "0.1.0", "License: BSD 3-Clause\n        and more words"),
    ):
        info = site / f"{name.replace('.', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{licence}\n"
        (info / "METADATA").write_text(metadata)
    lock = tmp_path / "opt/proxy/node_modules/.package-lock.json"
    lock.parent.mkdir(parents=True)
    packages = {
        "node_modules/ws": {"version": "8.18.0"},
        "node_modules/a/node_modules/@scope/b": {"version": "1.0.0"},
    }
    lock.write_text(json.dumps({"packages": packages}))
    return tmp_path


def written(root: Path) -> str:
    run(sys.executable, PROGRAM, "km3net/test", "--root", root, "--output", root / "out.json")
    return (root / "out.json").read_text()


def test_packages_are_named_by_their_urls(root: Path) -> None:
    if not Path("/usr/bin/dpkg-query").exists():
        pytest.skip("dpkg is missing: run it on Debian or Ubuntu")
    document = valid(written(root))
    found = {component["purl"]: component for component in document["components"]}
    assert sorted(found) == [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie&upstream=glibc%402.41-12",
        "pkg:deb/debian/liblzma5@5.8.1-1%2Bb2?arch=amd64&distro=trixie&upstream=xz-utils%405.8.1-1",
        "pkg:npm/%40scope/b@1.0.0",
        "pkg:npm/ws@8.18.0",
        "pkg:pypi/km3lab@0.1.0",
        "pkg:pypi/zope-interface@7.2",
    ]
    zope, own = found["pkg:pypi/zope-interface@7.2"], found["pkg:pypi/km3lab@0.1.0"]
    assert zope["properties"] == [{"name": "km3net:origin", "value": "lock"}]
    assert zope["licenses"] == [{"expression": "ZPL-2.1"}]
    assert own["properties"] == [{"name": "km3net:origin", "value": "platform"}]
    assert own["licenses"] == [{"license": {"name": "BSD 3-Clause"}}]


def test_same_packages_give_the_same_file_and_others_another_number(root: Path) -> None:
    before = written(root)
    assert written(root) == before
    status = root / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("2.41-12", "2.41-13"))
    number = re.compile(r"urn:uuid:[0-9a-f-]{36}")
    assert number.findall(written(root)) != number.findall(before)


@pytest.mark.docker
def test_image_contains_a_valid_bill_of_all_its_packages(
    image: str, idle: Callable[[str], Container]
) -> None:
    container = idle(image)
    text = container.run("cat", "/opt/sbom.cdx.json").stdout
    document = valid(text)
    assert document["metadata"]["component"]["name"] == f"km3net/{image}"
    kinds: dict[str, set[tuple[str, str]]] = {"deb": set(), "pypi": set(), "npm": set()}
    for component in document["components"]:
        url = PackageURL.from_string(component["purl"])
        kinds[url.type].add((component["name"], component["version"]))
    listed = container.run("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n").stdout
    assert kinds["deb"] == {tuple(line.split()) for line in listed.splitlines()}
    for prefix in container.run("sh", "-c", "ls -d /opt/*/pyvenv.cfg || true").stdout.split():
        # pip's own listing, from Debian.
        python = prefix.replace("pyvenv.cfg", "bin/python")
        pip = container.run("km3-pip", "--python", python, "list", "--format=json").stdout
        normal = {
            (re.sub(r"[-_.]+", "-", p["name"]).lower(), p["version"]) for p in json.loads(pip)
        }
        assert normal <= kinds["pypi"]
    assert bool(kinds["npm"]) == (image == "proxy")
    own = {
        c["name"]
        for c in document["components"]
        if {"name": "km3net:origin", "value": "platform"} in c.get("properties", ())
    }
    assert own <= {
        "km3homes", "km3broker", "km3visit",
        "km3hub", "km3settings", "km3lab", "km3pdf", "openkm3", "nugamma", "opendata", "adqlite",
    }  # fmt: skip
