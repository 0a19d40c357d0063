"""A workshop on a platform in containers, seen by its organiser and by its people."""

from __future__ import annotations

import csv
import io
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.commands import run
from tests.e2e.platforms import KM3HUB, Person
from tests.hub.docker.platforms import Site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAME = "play"
TEACHER = "play-teacher-1"
#: In a browser, and by the API.
PIA, PAUL = "play-01", "play-02"
#: Checksums of what a participant made; hidden files and tutorials are the platform's.
CHECKSUMS = (
    "find . -type f -not -path './.*' -not -path './tutorials/*' -print0 | xargs -0 -r sha256sum"
)


@dataclass
class Play:
    """A site, its workshop, and who is logged in."""

    site: Site
    folder: Path
    """Where the organiser works."""
    passwords: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    checksums: dict[str, dict[str, str]] = field(default_factory=dict)

    def command(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run `km3hub workshop ARGUMENTS` as the organiser does, in a checkout."""
        state = ("--state", str(self.site.platform.state))
        words: tuple[str | Path, ...] = (KM3HUB, "workshop", *state, *arguments)
        return run(*words, status=None, timeout=timeout, cwd=self.folder)

    def ok(self, *arguments: str) -> str:
        """The same, which must succeed; what it printed."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def read_cards(self) -> None:
        """Take the passwords from the organiser's list."""
        table = self.ok("handout", NAME, "--format=csv").lstrip("\ufeff")
        for row in csv.DictReader(io.StringIO(table)):
            self.passwords[row["account"]] = row["password"]

    def person(self, name: str) -> Person:
        """Somebody who calls the API."""
        if name not in self.people:
            address, password = self.site.platform.address, self.passwords[name]
            self.people[name] = Person.log_in(address, name, password)
        return self.people[name]

    def page(self, chromium: Browser, name: str, path: str) -> Page:
        """A page that somebody opens in their browser, logged in once."""
        if name not in self.pages:
            context = chromium.new_context(
                base_url=self.site.platform.address, accept_downloads=True
            )
            context.set_default_timeout(120_000)
            page = self.pages[name] = context.new_page()
            page.goto("/hub/login?next=%2Fhub%2Fhome")
            page.get_by_label("User name").fill(name)
            page.get_by_label("Password", exact=True).fill(self.passwords[name])
            page.get_by_role("button", name="Log in").click(no_wait_after=True)
            page.wait_for_url(re.compile(r"/hub/home"))
        self.pages[name].goto(path)
        return self.pages[name]

    def shell(self, name: str, script: str) -> tuple[int, str]:
        """Run a script in somebody's home, as in a terminal of their JupyterLab."""
        container = self.site.server(Person(self.site.platform.address, name, ""))
        command = ["bash", "-c", f"cd /home/km3 && {script}"]
        code, output = container.exec_run(command, user="1000")
        assert isinstance(code, int)
        assert isinstance(output, bytes)
        return code, output.decode(errors="replace")

    def note_checksums(self, name: str) -> None:
        """Remember the SHA-256 of each of somebody's files."""
        code, output = self.shell(name, CHECKSUMS)
        assert code == 0, output
        pairs = (line.split("  ./", 1) for line in output.splitlines())
        self.checksums[name] = {path: digest for digest, path in pairs}

    def has(self, name: str, path: str) -> bool:
        """Whether there is a file in somebody's home."""
        return self.shell(name, f"test -f {shlex.quote(path)}")[0] == 0


__all__ = ["NAME", "PAUL", "PIA", "TEACHER", "Play"]
