"""Machines that save to one repository of backups, and the engine beside them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.deploy.sources import module


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Machine:
    """A machine with its own settings in the repository of all."""

    def __init__(self, folder: Path, project: str, host: str, **given: Any) -> None:
        # A module of its own, as each machine has its own places.
        self.program = module("roles/backup/files/backup.py")
        self.program.CONFIGURATION = folder / host / "etc" / "backup.json"
        self.program.CONFIGURATION.parent.mkdir(parents=True)
        self.program.STAGE = folder / host / "stage"
        self.program.PATIENCE, self.program.PAUSE = 600, 0.2
        # The same on all of them, as on real ones.
        self.settings = folder / "opt"
        self.settings.mkdir(exist_ok=True)
        cache = {"XDG_CACHE_HOME": str(folder / host / "cache")}
        usual = {"host": host, "maker": "hub", "sftp_command": "", "project": project,
                 "folder": str(self.settings), "repository": str(folder / "repository"),
                 "password": "of the tests", "environment": cache,
                 "keep": {"daily": 1}}  # fmt: skip
        self.backup = self.program.Backup(usual | given)
        self.backup.environment["RESTIC_CACHE_DIR"] = str(folder / host / "cache")

    def save(self, text: str) -> None:
        """Save settings with a text in them."""
        (self.settings / "settings").write_text(text)
        self.backup.run()

    def restored(self) -> str:
        """What is in the settings after the machine was lost."""
        shutil.rmtree(self.settings)
        self.backup.fetch("latest")
        return (self.settings / "settings").read_text()
