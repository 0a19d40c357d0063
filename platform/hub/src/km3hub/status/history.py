"""What was seen of each service: spans of time in which it worked, or did not."""

from __future__ import annotations

import json
import logging
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["CELL", "DAY", "KEPT", "PERIOD", "History", "Look", "Span"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds between two looks.
PERIOD = 60.0
#: Nobody looked for this long: the hub did not run.
GAP = 3 * PERIOD
DAY = 86400.0
#: How long spans are kept.
KEPT = 7 * DAY
#: One mark of the strip on the page.
CELL = 1800.0

Cell = Literal["works", "fails", "unknown"]


@dataclass(frozen=True)
class Look:
    """What one look at one service said."""

    service: str
    works: bool
    said: str


@dataclass
class Span:
    """A time in which every look said the same, seconds since 1970 (UTC)."""

    start: float
    end: float
    works: bool
    said: str


@dataclass
class History:
    """The spans of the last week, in a file that survives the hub.

    Parameters
    ----------
    file
        Where they are kept; a file that cannot be read is put aside, and the history begins anew.
    """

    file: Path
    spans: dict[str, list[Span]] = field(default_factory=dict)

    def load(self) -> None:
        """Read what an earlier hub saw."""
        try:
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            spans = {name: [_span(row) for row in rows] for name, rows in kept.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
            log.error("%s cannot be read (%s); the status page begins anew", self.file.name, error)
            self.file.replace(self.file.with_suffix(".broken"))
            return
        self.spans = spans

    def save(self) -> None:
        """Write the spans; never half of them."""
        text = json.dumps({name: [asdict(s) for s in rows] for name, rows in self.spans.items()})
        new = self.file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, self.file)

    def add(self, look: Look, now: float) -> None:
        """Remember a look."""
        spans = self.spans.setdefault(look.service, [])
        last = spans[-1] if spans else None
        if last and last.works == look.works and -PERIOD < now - last.end < GAP:
            last.end, last.said = max(now, last.end), look.said
        else:
            # What was seen a moment ago held until now.
            start = last.end if last and 0 <= now - last.end < GAP else now
            spans.append(Span(start, now, look.works, look.said))
        self.spans[look.service] = [span for span in spans if span.end > now - KEPT]

    def latest(self, service: str, now: float) -> Span | None:
        """What holds now; None where nobody looked lately."""
        spans = self.spans.get(service)
        return spans[-1] if spans and now - spans[-1].end < GAP else None

    def failures(self, service: str, now: float) -> list[Span]:
        """The interruptions of the kept time, latest first."""
        return [span for span in reversed(self.spans.get(service, [])) if not span.works]

    def downtime(self, service: str, now: float) -> float:
        """Seconds of the last day in which it did not work."""
        return sum(
            max(0.0, span.end - max(span.start, now - DAY)) for span in self.failures(service, now)
        )

    def cells(self, service: str, now: float) -> list[Cell]:
        """The last day in half hours, the latest last; a moment of failure marks all of one."""
        cells: list[Cell] = ["unknown"] * round(DAY / CELL)
        for span in self.spans.get(service, []):
            # What ends now belongs to the last half hour, not to one that has not begun.
            first, last = (
                min(len(cells) - 1, math.floor((moment - now + DAY) / CELL))
                for moment in (span.start, span.end)
            )
            for index in range(max(0, first), last + 1):
                if not span.works or cells[index] == "unknown":
                    cells[index] = "works" if span.works else "fails"
        return cells


def _span(row: dict[str, object]) -> Span:
    start, end, works, said = row["start"], row["end"], row["works"], row["said"]
    if not (
        isinstance(start, int | float)
        and isinstance(end, int | float)
        and math.isfinite(start)
        and math.isfinite(end)
        and isinstance(works, bool)
        and isinstance(said, str)
    ):
        raise ValueError(f"not a span: {row}")
    return Span(float(start), float(end), works, said)
