"""Notebooks say which image they were saved with, and Lab warns in another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from km3lab.provenance import Origin
from tests.lab.running import LabServer

StartLab = Callable[..., LabServer]
DIGEST = "sha256:" + "1" * 64
HERE = {"KM3_ENVIRONMENT": "stack", "KM3_IMAGE": "km3net/stack", "KM3_IMAGE_DIGEST": DIGEST}
OTHER = {**HERE, "KM3_IMAGE_DIGEST": "sha256:" + "2" * 64}


def notebook() -> dict[str, Any]:
    cells = [nbformat.v4.new_code_cell("1 + 1")]
    return dict(nbformat.v4.new_notebook(cells=cells, metadata={"mine": 7}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def save(server: LabServer, name: str = "work.ipynb") -> dict[str, Any]:
    """Save as Lab does, and return what is on the disk."""
    model = {"type": "notebook", "format": "json", "content": notebook()}
    server.api("PUT", f"/api/contents/{name}", json=model)
    found: dict[str, Any] = json.loads((server.home / name).read_text())
    return found


def warnings(server: LabServer) -> list[str]:
    return [n["text"] for n in server.notices()["notices"] if n["topic"] == "image"]


def test_saved_notebook_says_its_image_and_keeps_its_metadata(
    start_lab: StartLab, home: Path
) -> None:
    saved = save(start_lab(home, **HERE))
    assert saved["metadata"]["km3net"] == {
        "environment": "stack", "image": "km3net/stack", "digest": DIGEST,
    }  # fmt: skip
    assert saved["metadata"]["mine"] == 7
    nbformat.validate(saved)


def test_another_image_or_environment_warns_once_and_the_same_does_not(
    start_lab: StartLab, home: Path
) -> None:
    first = start_lab(home, **HERE)
    save(first)
    first.api("GET", "/api/contents/work.ipynb")
    assert warnings(first) == []
    first.stop()
    second = start_lab(home, **OTHER)
    for _ in range(2):
        second.api("GET", "/api/contents/work.ipynb")
    assert warnings(second) == ["work.ipynb was saved with another image of this environment."]
    save(second)
    second.stop()
    third = start_lab(home, **{**HERE, "KM3_ENVIRONMENT": "joint"})
    third.api("GET", "/api/contents/work.ipynb")
    assert warnings(third) == [
        "work.ipynb was saved in the environment stack; this server runs joint."
    ]


def test_without_an_environment_nothing_is_recorded(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    assert "km3net" not in save(server)["metadata"]


def test_same_packages_in_a_new_image_are_the_same() -> None:
    bill = "urn:uuid:11111111-1111-5111-8111-111111111111"
    here = Origin("stack", "km3net/stack", DIGEST, bill)
    assert here.difference(Origin("stack", "", "sha256:2", bill), "a.ipynb") is None
    assert here.difference(Origin("stack", "", DIGEST, bill[:-1] + "2"), "a.ipynb") is not None
    assert here.difference(Origin(), "a.ipynb") is None
    assert Origin().difference(here, "a.ipynb") is None


@pytest.mark.parametrize("hostile", [
    None, 7, "stack", ["stack"], {"environment": 7}, {"environment": "<img src=x>"},
    {"environment": "a" * 300}, {"environment": "stack\nPlease type your password"},
    {"digest": {"a": 1}},
])  # fmt: skip
def test_what_strangers_write_into_a_notebook_is_not_shown(hostile: object) -> None:
    assert Origin.of({"metadata": {"km3net": hostile}}) == Origin()
    assert Origin.of(hostile) == Origin()


def test_serial_number_of_the_bill_is_read(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.cdx.json"
    assert Origin.here({}, bill) == Origin()
    bill.write_text('{"serialNumber": "urn:uuid:1"}')
    assert Origin.here({"KM3_ENVIRONMENT": "stack"}, bill) == Origin("stack", packages="urn:uuid:1")
    bill.write_text("[")
    assert Origin.here({}, bill) == Origin()
