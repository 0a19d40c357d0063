"""The progress of an installation: packages and megabytes, as the installer gets them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["installing"]

#: Seconds between two checks of the folders.
_INTERVAL = 0.5


class _Downloads:
    """What uv has unpacked into its cache since this object was made.

    uv shows no progress that another program can read. It unpacks each package that it downloads
    into a new folder of its cache (`archive-v0`); if a later version of uv keeps its cache some
    other way, no download is shown and nothing else changes.
    """

    def __init__(self) -> None:
        uv = Path(sys.executable).with_name("uv")
        answer = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True)
        self._folder = Path(answer.stdout.strip() or "/nowhere") / "archive-v0"
        self._known = self._names()
        self.packages = 0
        self.bytes = 0

    def _names(self) -> set[str]:
        try:
            return {entry.name for entry in self._folder.iterdir()}
        except OSError:
            return set()

    def update(self) -> None:
        """Add what is new."""
        for name in self._names() - self._known:
            self._known.add(name)
            self.packages += 1
            self.bytes += sum(_size(file) for file in (self._folder / name).rglob("*"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


@contextmanager
def installing(what: str, environments: dict[Path, int]) -> Iterator[None]:
    """Show a bar on a terminal while environments are installed; elsewhere nothing.

    Parameters
    ----------
    what
        What is installed, in words.
    environments
        The folder of each environment, with the number of its packages.
    """
    console = Console(stderr=False)
    if not console.is_terminal:
        yield
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} packages{task.fields[downloaded]}"),
        TimeElapsedColumn(),
    )
    downloads = _Downloads()
    done = threading.Event()
    with Progress(*columns, console=console, transient=True) as progress:
        total = sum(environments.values())
        task = progress.add_task(what, total=total, downloaded="")

        def watch() -> None:
            while not done.wait(_INTERVAL):
                downloads.update()
                text = f", {downloads.packages} downloaded" if downloads.packages else ""
                text += f" ({downloads.bytes / 1e6:.0f} MB)" if downloads.packages else ""
                found = sum(map(_installed, environments))
                progress.update(task, completed=min(found, total), downloaded=text)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _installed(environment: Path) -> int:
    return sum(1 for _ in environment.glob("lib/python3*/site-packages/*.dist-info"))
