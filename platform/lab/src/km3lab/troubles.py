"""Shows users which of their files a kernel's start put aside (`kernel_start.py`)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from km3lab.notices import Notices

__all__ = ["KernelTroubles"]


@dataclass(frozen=True)
class _Trouble:
    path: str
    renamed: str
    why: str


class KernelTroubles:
    """The reports that kernels leave beside their connection files.

    Parameters
    ----------
    runtime
        Folder of the connection files, which nobody else may enter.
    home
        The user's home, which messages call `~`.
    """

    def __init__(self, runtime: Path, home: Path) -> None:
        self._runtime = runtime
        self._home = home

    def show(self, notices: Notices) -> None:
        """Add a notice for each new report."""
        for trouble in self._new():
            text, details = self._words(trouble)
            notices.add("start", "warning", text, details=details)

    def blame(self, connection_file: str) -> None:
        """Confirm that a dead kernel was killed by the file that it noted last.

        Its next process then puts that file aside. Without the confirmation it does not, because
        a user may just have restarted a slow kernel.
        """
        notes = Path(connection_file).with_suffix(".start")
        if notes.exists():
            notes.replace(notes.with_suffix(".died"))

    def _new(self) -> Iterator[_Trouble]:
        for file in sorted(self._runtime.glob("*.report")):
            lines = file.read_text(encoding="utf-8").splitlines()
            file.unlink()
            for line in lines:
                yield _Trouble(**json.loads(line))

    def _words(self, trouble: _Trouble) -> tuple[str, str]:
        why = " ".join(trouble.why.split())
        if not trouble.path:
            return (
                "A kernel could not start with your settings and runs without them.",
                f"The reason: {why}. It uses neither ~/.ipython nor packages in ~/.local, until"
                " these are fixed and the kernel is restarted.",
            )
        name = self._name(trouble.path)
        if trouble.renamed:
            return (
                f"{name} was put aside, because {why}.",
                "It kept a kernel from starting. Nothing was deleted: its name is now"
                f" {Path(trouble.renamed).name}, in the same folder. Rename it back after you have"
                " fixed it, or remove it if you do not need it.",
            )
        return (
            f"{name} keeps kernels from starting: {why}.",
            "The kernel runs without your settings in ~/.ipython and without packages in ~/.local."
            " Fix or remove the file, then restart the kernel.",
        )

    def _name(self, path: str) -> str:
        inside = os.path.relpath(path, self._home)
        return path if inside.startswith("..") else f"~/{inside}"
