"""What the robots found, in a file that the status page and Prometheus read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

__all__ = ["Result", "Results", "read_results", "summary", "write_results"]

#: Characters of a reason that are kept.
LONGEST = 300


class Result(BaseModel):
    """One trial."""

    model_config = ConfigDict(frozen=True)

    name: str
    """For example `tutorial-01` or `tap`."""
    title: str
    works: bool | None
    """None: it was not tried; `message` says why."""
    message: str
    seconds: float = 0.0
    numbers: dict[str, object] | None = None
    """What a tutorial computed and compared with its reference."""

    @property
    def is_tutorial(self) -> bool:
        """Whether it is a tutorial, not a data service."""
        return self.name.startswith("tutorial-")


class Results(BaseModel):
    """One round."""

    model_config = ConfigDict(frozen=True)

    time: AwareDatetime
    """The end of the round."""
    results: tuple[Result, ...]

    @property
    def works(self) -> bool:
        """Whether nothing failed."""
        return all(result.works is not False for result in self.results)


def shortened(reason: str) -> str:
    """Returns the first line of a reason, without what could change a terminal."""
    line = (reason.strip().splitlines() or ["no reason given"])[0]
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def write_results(path: Path, results: Results) -> None:
    """Replace the file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.write_text(results.model_dump_json(indent=1), encoding="utf-8")
    os.replace(draft, path)


def read_results(path: Path) -> Results | None:
    """Returns the last round; None where there was none, or the file is damaged."""
    try:
        return Results.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def summary(results: Results) -> str:
    """Returns e.g. `Tutorials: 5 of 5 at 14:05 UTC; data services: 3 of 3.`, and what failed."""
    kinds: dict[Literal["Tutorials", "data services"], list[Result]] = {
        "Tutorials": [r for r in results.results if r.is_tutorial],
        "data services": [r for r in results.results if not r.is_tutorial],
    }
    parts: list[str] = []
    for kind, found in kinds.items():
        tried = [r for r in found if r.works is not None]
        if tried:
            works = sum(bool(r.works) for r in tried)
            when = f" at {results.time.astimezone(UTC):%H:%M} UTC" if not parts else ""
            parts.append(f"{kind}: {works} of {len(tried)}{when}")
    failed = [r.title for r in results.results if r.works is False]
    sentence = "; ".join(parts) if parts else "Nothing was tried"
    return f"{sentence}. Failed: {', '.join(failed)}." if failed else f"{sentence}."


def now() -> datetime:
    """Returns the current time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
