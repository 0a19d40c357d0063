"""The table of threats names tests that exist, and the security model what exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from km3settings.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
THREATS = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
MODEL = (ROOT / "docs/security.md").read_text(encoding="utf-8")
OPEN = "*not held*"


class Row(NamedTuple):
    section: str
    kind: str
    attack: str
    defence: str
    test: str


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [cells(line) for line in section.splitlines() if line.startswith("| ")][1:]


def rows() -> Iterator[Row]:
    for section in re.findall(r"^## (.+)$", THREATS, re.MULTILINE):
        for row in table(THREATS, section):
            assert len(row) == 4, row
            yield Row(section, *row)


@cache
def defined_in(path: str) -> set[str]:
    """The tests that a file defines."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.attack)
def test_each_threat_names_a_test_that_exists(row: Row) -> None:
    assert row.kind in set("STRIDE")
    assert row.attack
    assert row.defence
    if row.test == OPEN:
        return
    found = re.fullmatch(r"`((?:deploy/)?tests/[\w/]+\.py)::(test_\w+)`", row.test)
    assert found, row.test
    assert (ROOT / found[1]).is_file(), found[1]
    assert found[2] in defined_in(found[1]), found[2]


def test_every_kind_of_threat_is_there() -> None:
    assert {row.kind for row in rows()} == set("STRIDE")


def test_what_is_not_held_is_among_the_known_limits() -> None:
    number = sum(row.test == OPEN for row in rows())
    limits = MODEL.partition("## Known limits")[2]
    assert limits.count("\n* ") >= number


def setting(path: str) -> bool:
    """Whether platform.yaml has a key of this path."""
    model: Any = Settings
    for name in path.split("."):
        fields = getattr(model, "model_fields", {})
        if name not in fields:
            return False
        annotation = fields[name].annotation
        parts = [annotation, *getattr(annotation, "__args__", ())]
        model = next((part for part in parts if hasattr(part, "model_fields")), annotation)
    return True


def test_settings_that_change_the_security_exist() -> None:
    named = [row[0].strip("`") for row in table(MODEL, "What each setting changes")]
    assert len(named) > 10
    assert [name for name in named if not setting(name)] == []


def test_every_secret_of_the_state_folder_is_described() -> None:
    folders = [ROOT / "platform/hub/src", ROOT / "platform/launcher/src"]
    sources = [file for folder in folders for file in folder.rglob("*.py")]
    made = {
        name
        for source in sources
        for name in re.findall(r'\bsecret\("(\w+)"\)', source.read_text(encoding="utf-8"))
    }
    described = set(re.findall(r"`secret-(\w+)`", "\n".join(map(str, table(MODEL, "Secrets")))))
    assert described == made


def test_every_container_of_the_platform_is_described() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    described = {row[0].strip("`") for row in table(MODEL, "Components")}
    assert set(compose["services"]) <= described
