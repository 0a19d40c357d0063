"""The portal publishes what software the platform runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.audit.databases import bom, component


@pytest.fixture
def bills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the image, with two bills of materials and a damaged file."""
    folder = tmp_path / "built"
    folder.mkdir()
    bom(folder, component("pkg:deb/debian/zlib1g@1.2"), component("pkg:pypi/numpy@2.0"),
        component("pkg:pypi/scipy@1.0"))  # fmt: skip
    bom(folder, component("pkg:npm/configurable-http-proxy@5.0"), name="proxy")
    (folder / "damaged.cdx.json").write_text("{")
    (tmp_path / "secret.cdx.json").write_text("{}")
    changed = settings.CONFIGURATION.model_copy(update={"bills": folder})
    monkeypatch.setattr(settings, "CONFIGURATION", changed)
    return folder


def test_each_image_is_listed_with_its_packages(web: Client, bills: Path) -> None:
    page = web.get("/software/").content.decode()
    assert "2 Python, 1 Debian" in page
    assert 'href="/software/proxy.cdx.json"' in page
    assert "damaged" not in page
    assert 'href="/software/"' in web.get("/").content.decode()


def test_bills_of_materials_are_sent_unchanged(web: Client, bills: Path) -> None:
    answer = web.get("/software/stack.cdx.json")
    assert answer["Content-Type"] == "application/vnd.cyclonedx+json"
    assert answer.content == (bills / "stack.cdx.json").read_bytes()
    assert json.loads(answer.content)["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize(
    "name", ["none", "..%2Fsecret", "../secret", "%2e%2e/secret", "stack.cdx.json%00", "STACK"]
)
def test_nothing_else_is_sent(web: Client, bills: Path, name: str) -> None:
    assert web.get(f"/software/{name}.cdx.json").status_code == 404


def test_a_portal_outside_a_container_says_so(web: Client, bills: Path) -> None:
    for file in bills.iterdir():
        file.unlink()
    assert "does not run in a container" in web.get("/software/").content.decode()
