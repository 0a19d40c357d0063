"""The history of each service: spans of time in which it worked, or did not."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["CELL", "DAY", "KEPT", "PERIOD", "CheckResult", "History", "Span"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds between two checks.
PERIOD = 60.0
#: Seconds without a check after which the state is unknown: the hub was not running.
GAP = 3 * PERIOD
DAY = 86400.0
#: How long spans are kept.
KEPT = 7 * DAY
#: Seconds per mark of the strip on the page.
CELL = 1800.0

Cell = Literal["works", "fails", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of one service."""

    service: str
    works: bool
    message: str


@dataclass
class Span:
    """A time with the same state, in seconds since 1970 (UTC)."""

    start: float
    end: float
    works: bool
    message: str


@dataclass
class History:
    """The spans of the last week, in a file that survives the hub.

    Parameters
    ----------
    file
        The file; one that cannot be read is renamed, and the history starts empty.
    """

    file: Path
    spans: dict[str, list[Span]] = field(default_factory=dict)

    def load(self) -> None:
        """Read the history of an earlier hub."""
        try:
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            spans = {name: [_span(row) for row in rows] for name, rows in kept.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
            log.error(
                "%s cannot be read (%s); the history of the status page starts empty",
                self.file.name,
                error,
            )
            self.file.replace(self.file.with_suffix(".broken"))
            return
        self.spans = spans

    def keep(self, services: Collection[str]) -> None:
        """Forget all other services."""
        self.spans = {name: spans for name, spans in self.spans.items() if name in services}

    def save(self) -> None:
        """Write the spans, atomically."""
        text = json.dumps({name: [_row(s) for s in rows] for name, rows in self.spans.items()})
        new = self.file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, self.file)

    def add(self, result: CheckResult, now: float) -> None:
        """Add the result of a check."""
        spans = self.spans.setdefault(result.service, [])
        last = spans[-1] if spans else None
        if last and last.works == result.works and -PERIOD < now - last.end < GAP:
            last.end, last.message = max(now, last.end), result.message
        else:
            # The last state is taken to have lasted until now.
            start = last.end if last and 0 <= now - last.end < GAP else now
            spans.append(Span(start, now, result.works, result.message))
        self.spans[result.service] = [span for span in spans if span.end > now - KEPT]

    def latest(self, service: str, now: float) -> Span | None:
        """Returns the current span; None where there was no recent check."""
        spans = self.spans.get(service)
        return spans[-1] if spans and now - spans[-1].end < GAP else None

    def failures(self, service: str, now: float) -> list[Span]:
        """Returns the interruptions, latest first."""
        return [span for span in reversed(self.spans.get(service, [])) if not span.works]

    def downtime(self, service: str, now: float) -> float:
        """Returns the seconds of the last day in which it did not work."""
        return sum(
            max(0.0, span.end - max(span.start, now - DAY)) for span in self.failures(service, now)
        )

    def cells(self, service: str, now: float) -> list[Cell]:
        """Returns the last day in half hours, latest last; any failure marks a half hour."""
        cells: list[Cell] = ["unknown"] * round(DAY / CELL)
        for span in self.spans.get(service, []):
            # A span that ends now belongs to the last half hour, not to the next one.
            first, last = (
                min(len(cells) - 1, math.floor((moment - now + DAY) / CELL))
                for moment in (span.start, span.end)
            )
            for index in range(max(0, first), last + 1):
                if not span.works or cells[index] == "unknown":
                    cells[index] = "works" if span.works else "fails"
        return cells


def _row(span: Span) -> dict[str, object]:
    return {"start": span.start, "end": span.end, "works": span.works, "said": span.message}


def _span(row: dict[str, object]) -> Span:
    # The file's key is older than the name of the field.
    start, end, works, message = row["start"], row["end"], row["works"], row["said"]
    if not (
        isinstance(start, int | float)
        and isinstance(end, int | float)
        and math.isfinite(start)
        and math.isfinite(end)
        and isinstance(works, bool)
        and isinstance(message, str)
    ):
        raise ValueError(f"not a span: {row}")
    return Span(float(start), float(end), works, message)
