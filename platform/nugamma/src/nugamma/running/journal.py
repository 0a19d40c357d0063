"""The finished work of a running scan, on disk, so that a killed scan continues."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nugamma.errors import RunningError

FORMAT = 2
#: Returns the differences between the origins of two scans, in words.
Differences = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]


class Journal:
    """One line per finished task, beside the file that the scan will write.

    The first line identifies the scan. A line truncated by a crash is dropped. Only one process at
    a time may use a journal.

    Parameters
    ----------
    out
        Result file of the scan; the journal is ``<out>.journal``.
    key
        Checksum of the scan and all its inputs.
    origin
        What the scan is made from, to name the differences from another journal.
    differences
        Compares two origins.

    Raises
    ------
    RunningError
        If the journal belongs to another scan, another process uses it, or it cannot be written.
    """

    def __init__(
        self,
        out: Path,
        key: str,
        origin: Mapping[str, Any] | None = None,
        differences: Differences = lambda _, __: [],
    ) -> None:
        self.origin, self.differences = origin, differences
        self.path = out.with_name(out.name + ".journal")
        self.key = key
        self.done: dict[int, dict[str, Any]] = {}
        self._lock = FileLock(f"{self.path}.lock", timeout=0)

    def __enter__(self) -> Journal:
        try:
            self._lock.acquire()
        except Timeout:
            raise RunningError(
                f"another scan is writing {self.path}; wait for it, or use another --out"
            ) from None
        except OSError as error:
            raise RunningError(f"{self.path.parent} cannot be written: {error}") from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _open(self) -> None:
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        whole = lines[:-1]  # the rest was truncated
        good = 0
        for number, line in enumerate(whole):
            try:
                entry = json.loads(line)
            except ValueError:
                break
            if number == 0:
                self._check(entry)
            elif isinstance(entry, dict) and "index" in entry:
                self.done[entry["index"]] = entry
            else:
                break
            good += len(line) + 1
        self._file = self.path.open("ab")
        self._file.truncate(good)
        if not good:
            self._write({"format": FORMAT, "key": self.key, "origin": self.origin})

    def _check(self, head: Any) -> None:
        advice = "use --restart to start over, or another --out"
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise RunningError(f"{self.path} was written by another version of nugamma; {advice}")
        if head.get("key") == self.key:
            return
        before = head.get("origin")
        found = self.differences(before, self.origin) if before and self.origin else []
        what = f": different {', '.join(found)}" if found else ""
        raise RunningError(
            f"{self.path} belongs to a scan with other options or inputs{what}; {advice}"
        )

    def add(self, entry: dict[str, Any]) -> None:
        """Adds a finished task, which is on disk when this returns."""
        self._write(entry)
        self.done[entry["index"]] = entry

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.release()

    def remove(self) -> None:
        """Deletes the journal, once the result is written."""
        self.path.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a file completely, or leaves the old one unchanged."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise RunningError(f"{path} cannot be written: {error}") from error
