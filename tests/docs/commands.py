"""The commands that README files and the documentation tell people to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]

#: Programs whose commands are checked where they stand in a sentence between backticks.
PROGRAMS = ("make", "km3hub", "openkm3", "nugamma", "opendata", "km3host", "pytest", "docker")

_FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Command:
    """A command, and the page that has it."""

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        """The command's words, without what only says where it is typed."""
        words = shlex.split(self.text, comments=True)
        while words and (words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=\S*", words[0])):
            words = words[1:]
        if words[:2] == ["docker", "exec"]:
            words = [word for word in words[2:] if not word.startswith("-")][1:]
        if words:
            words[0] = words[0].rsplit("/", 1)[-1]
        return words


def pages() -> list[Path]:
    """Return the Markdown files of the repository, but what is no manual."""
    listed = run("git", "ls-files", "*.md", cwd=ROOT).stdout.splitlines()
    return [ROOT / name for name in listed if name != "CHANGELOG.md" and ".gitlab" not in name]


def typed() -> Iterator[Command]:
    """Yield the commands in blocks marked as shell."""
    for page in pages():
        for block in _FENCE.findall(page.read_text(encoding="utf-8")):
            lines = block[1].replace("\\\n", " ").splitlines()
            for line in lines:
                for part in line.split("  #")[0].split(" && "):
                    if part.strip():
                        yield Command(str(page.relative_to(ROOT)), part.strip())


def mentioned() -> Iterator[Command]:
    """Yield the commands between backticks, if they begin with one of our programs."""
    for page in pages():
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for found in _INLINE.findall(text):
            command = Command(str(page.relative_to(ROOT)), " ".join(found.split()))
            try:
                words = command.words
            except ValueError:
                continue
            if len(words) > 1 and words[0] in PROGRAMS and "/" not in words:
                yield command
