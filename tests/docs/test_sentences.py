"""Commands in sentences of the front page and of the page for admins are run as typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from km3hub.usage.ledger import Ledger
from km3settings.state import State
from tests.docs.commands import ROOT, mentioned

PAGES = ("README.md", "docs/admins.md")
HUB = r"\.venv/bin/km3hub "

#: Commands that this file runs, in this order, one after another on one platform that is not
#: running: the pattern, what NAME stands for, and what the command prints.
RUN = (
    (HUB + r"schema > platform\.schema\.json", ""),
    (HUB + "cite ENVIRONMENT", "CITATION.cff"),
    (HUB + "accounts add NAME", "Added the user ada"),
    (HUB + "accounts set NAME --admin", "administrator ada"),
    (HUB + "accounts set NAME --groups experts", "in the groups experts"),
    (HUB + "check", "platform.yaml"),
    (HUB + "accounts passwd NAME", "Changed the password of ada"),
    (HUB + "accounts sessions", ""),
    (HUB + "accounts end-sessions NAME", "ada"),
    (HUB + "usage", "SERVER HOURS"),
    (HUB + 'pause --reason "Maintenance until noon."', ""),
    (HUB + "resume", ""),
    (HUB + "accounts remove NAME", "Removed"),
    (HUB + "accounts release NAME", ""),
    ("make status", "The platform is not running."),
    ("make down", "The platform is not running."),
    ("make clean", "Nothing was deleted."),
)
#: Commands that run elsewhere: the file that runs them, and how one sees that.
ELSEWHERE = {
    r"make up( MODE=embedded)?": ("tests/bench/embedded.py", '"up", "MODE=embedded"'),
    r"make images": (".ci/run", "make images"),
    r"make engine": ("tests/images/test_engine.py", "engine"),
    r"make docs": ("tests/docs/test_site.py", "sphinx"),
    r"make audit": ("tests/audit/test_audit.py", "images/audit.py"),
    r"km3hub check": ("tests/hub/test_commands.py", '"check"'),
    r"docker exec km3net-hub km3hub homes list": ("tests/homes/test_commands.py", '"list"'),
    r"docker inspect .*": ("tests/hub/docker/test_people.py", "{{.Config.Image}}"),
    r"(\.venv/bin/)?km3hub accounts (export|erase)( NAME)?": (
        "tests/hub/privacy/test_person.py",
        '"erase"',
    ),
}


PLATFORM = """
environments:
  - {name: stack, title: Open science, image: "km3net/stack:latest"}
  - {name: joint, title: Joint analysis, image: "km3net/joint:latest", groups: [experts]}
"""


def typed() -> list[str]:
    return sorted({command.text for command in mentioned() if command.page in PAGES})


@pytest.mark.parametrize("command", typed())
def test_every_command_in_a_sentence_has_a_test(command: str) -> None:
    patterns = [*(pattern for pattern, _ in RUN), *ELSEWHERE]
    found = [pattern for pattern in patterns if re.fullmatch(pattern, command)]
    assert len(found) == 1, f"name the test that runs {command!r} in {Path(__file__).name}"


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_the_named_test_exists_and_some_page_needs_it(pattern: str) -> None:
    file, text = ELSEWHERE[pattern]
    assert any(re.fullmatch(pattern, command) for command in typed())
    assert text in (ROOT / file).read_text(encoding="utf-8")


def test_the_commands_do_what_the_pages_say(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    # Targets of make belong to the checkout; everything else works in any folder.
    (tmp_path / "Makefile").write_text(f"%:\n\t@$(MAKE) --no-print-directory -C '{ROOT}' $@\n")
    state = State(tmp_path / "state")
    state.create()
    # As the hub creates it when it starts.
    Ledger(state.usage).running()
    variables = {
        "KM3_STATE": str(state.root),
        "KM3_PLATFORM_FILE": str(tmp_path / "platform.yaml"),
        # Not this machine's, which may run a platform of this name.
        "KM3_PROJECT": "km3nothing",
    }
    for pattern, output in RUN:
        (command,) = (text for text in typed() if re.fullmatch(pattern, text))
        command = command.replace("NAME", "ada").replace("ENVIRONMENT", "stack")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True,
            # The answer to a question, where there is one.
            input="y\n",
        )  # fmt: skip
        status = 1 if command == "make status" else 0
        assert (done.returncode != 0) == status, f"{command}\n{done.stdout}{done.stderr}"
        assert output in done.stdout, f"{command}\n{done.stdout}{done.stderr}"
    schema = json.loads((tmp_path / "platform.schema.json").read_text(encoding="utf-8"))
    assert "spawner" in schema["properties"]
    assert not json.loads(state.accounts.read_text())["accounts"]
