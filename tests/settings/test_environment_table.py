"""The README's table of environment variables is complete, and nothing in it is gone."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "platform" / "settings" / "README.md"
#: Where variables are set or read; tests have some of their own.
PLACES = (
    "platform",
    "images",
    "deploy/roles",
    "deploy/playbooks",
    "deploy/plugins",
    "Makefile",
    "docker-compose.yml",
)
#: The name of a table in FITS files (openkm3).
NO_VARIABLES = {"KM3_ANNOTATION"}
_NAME = re.compile(r"\bKM3_[A-Z][A-Z_]*[A-Z]\b")


def used() -> set[str]:
    """Every variable that some file of the repository names, except READMEs."""
    listed = run(
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *PLACES,
        cwd=ROOT,
    ).stdout
    files = {ROOT / name for name in listed.split("\0") if name}
    texts = (f.read_bytes() for f in files if f.is_file() and f.suffix != ".md")
    found = {name for text in texts for name in _NAME.findall(text.decode(errors="replace"))}
    return found - NO_VARIABLES


def test_the_table_has_every_variable_and_no_other() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `KM3_")]
    named = [name for row in rows for name in _NAME.findall(row.split("|")[1])]
    assert len(named) == len(set(named)), "a variable is explained twice"
    assert set(named) == used()
