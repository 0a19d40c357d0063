"""`km3hub cite` writes files that readers of each format accept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import bibtexparser
import pytest
import yaml
from click.testing import CliRunner
from rocrate.rocrate import ROCrate

from km3hub.cli import main
from tests.audit.databases import bom, component
from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files for an environment whose title and version need quoting everywhere."""
    settings = tmp_path / "platform.yaml"
    settings.write_text(
        "environments: [{name: joint, title: 'Neutrinos & ü: 100 %_{}', image: km3net/joint}]\n"
    )
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    names = ("pypi/gammapy@2.1", "pypi/numpy@2.3.0", "pypi/uproot@5.6", "deb/debian/zlib1g@1.3")
    bill = bom(tmp_path, *(component(f"pkg:{name}") for name in names))
    words = ["cite", "joint", "--bom", str(bill), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "3 packages" in done.output
    return tmp_path / "out"


def test_citation_file_has_what_the_format_requires(cited: Path) -> None:
    data: dict[str, Any] = yaml.safe_load((cited / "CITATION.cff").read_text(encoding="utf-8"))
    # The four keys that CFF 1.2.0 requires, and those of references.
    assert {"cff-version", "message", "title", "authors"} <= set(data)
    assert data["cff-version"] == "1.2.0"
    assert "Neutrinos & ü: 100 %_{}" in data["title"]
    for reference in data["references"]:
        assert {"type", "title", "authors"} <= set(reference)
    assert [(r["doi"], r["notes"]) for r in data["references"]] == [
        ("10.1051/0004-6361/202346488", "gammapy 2.1"),
        ("10.1038/s41586-020-2649-2", "numpy 2.3.0"),
    ]


def test_bibtex_can_be_read(cited: Path) -> None:
    library = bibtexparser.parse_string((cited / "citation.bib").read_text(encoding="utf-8"))
    assert library.failed_blocks == []
    software, gammapy, numpy = library.entries
    assert software.entry_type == "software"
    assert r"Neutrinos \& ü: 100 \%\_\{\}" in software["title"]
    assert software["author"] == "{The KM3NeT Collaboration}"
    assert (gammapy.key, gammapy["year"], gammapy["note"]) == ("gammapy", "2023", "Version 2.1")
    assert numpy["doi"] == "10.1038/s41586-020-2649-2"


def test_crate_can_be_read(cited: Path) -> None:
    crate = ROCrate(str(cited))
    software = crate.mainEntity
    assert software.type == "SoftwareApplication"
    needed = {r["name"]: r["softwareVersion"] for r in software["softwareRequirements"]}
    assert needed == {"gammapy": "2.1", "numpy": "2.3.0", "uproot": "5.6"}
    assert {part.id for part in crate.root_dataset["hasPart"]} == {"CITATION.cff", "citation.bib"}


def test_environment_without_an_image_is_cited_by_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "platform.yaml"
    settings.write_text("environments: [{name: joint, title: Joint, image: km3t/no-such-image}]\n")
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["cite", "joint", "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "without an image" in done.output
    text = (ROOT / "platform/locks/joint.txt").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("gammapy==")]
    version = line.split("==")[1].split()[0]
    assert f"gammapy {version}" in (tmp_path / "out/CITATION.cff").read_text()


@pytest.mark.docker
def test_image_is_cited_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("docker") or run("docker", "image", "inspect", "km3net/stack",
                                         status=None).returncode:  # fmt: skip
        pytest.skip("the image km3net/stack is missing: make engine images")
    monkeypatch.chdir(ROOT)
    settings = tmp_path / "platform.yaml"
    settings.write_text("environments: [{name: stack, title: Stack, image: km3net/stack}]\n")
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    done = CliRunner().invoke(main, ["cite", "stack", "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    digest = json.loads(run("docker", "image", "inspect", "km3net/stack").stdout)[0]["Id"]
    data = yaml.safe_load((tmp_path / "out/CITATION.cff").read_text())
    assert data["identifiers"][0]["value"] == digest


def test_mistakes_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KM3_PLATFORM_FILE", raising=False)
    done = CliRunner().invoke(main, ["cite", "jiont"])
    assert done.exit_code == 2
    assert "there is no environment 'jiont'; choose from: " in done.output
    (tmp_path / "bad.json").write_text("[]")
    done = CliRunner().invoke(main, ["cite", "joint", "--bom", "bad.json"])
    assert done.exit_code == 1
    assert "bad.json is not a bill of materials" in done.output
