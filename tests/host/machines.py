"""Machines that save to one repository of backups, and the engine beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from km3host.backup.repository import Repository
from km3host.backup.restore import restore_settings
from km3host.backup.save import save
from km3host.backup.settings import BackupSettings
from km3host.configuration import parse
from tests.commands import run


def docker(*arguments: str) -> str:
    done = run("docker", *arguments)
    return done.stdout.strip()


class Machine:
    """A machine with its own settings; all machines below a folder share a repository."""

    def __init__(self, folder: Path, project: str, host: str, **given: Any) -> None:
        own = folder / host
        (own / "etc").mkdir(parents=True, exist_ok=True)
        # The same on all of them, as on real ones.
        self.opt = folder / "opt"
        self.opt.mkdir(exist_ok=True)
        usual = {
            "host": host, "maker": "hub", "sftp_command": "", "project": project,
            "folder": str(self.opt), "repository": str(folder / "repository"),
            "password": "of the tests", "environment": {"XDG_CACHE_HOME": str(own / "cache")},
            "keep": {"daily": 1}, "configuration_folder": str(own / "etc"),
            "stage_folder": str(own / "stage"), "cache_folder": str(own / "cache"),
            "wait_seconds": 600, "pause_seconds": 0.2,
        }  # fmt: skip
        self.settings = parse(usual | given, BackupSettings, source="the tests")
        self.repository = Repository(self.settings)

    def save(self, text: str) -> None:
        """Save settings with a text in them."""
        (self.opt / "settings").write_text(text)
        save(self.repository)

    def restored(self, snapshot: str = "latest") -> str:
        """Lose the settings, restore them and return their text."""
        shutil.rmtree(self.opt)
        restore_settings(self.repository, snapshot)
        return (self.opt / "settings").read_text()
