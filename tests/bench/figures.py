"""What a benchmark measured, and the table that people read."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

README = Path(__file__).with_name("README.md")
RECORD = Path(__file__).parents[1] / ".results" / "bench.json"
START, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Figure:
    """One measured figure next to its aim."""

    what: str
    measured: str
    aim: str = ""


def spread(values: Sequence[float], unit: str = "s") -> str:
    """Median and range, as in `2.31 s (2.20 to 2.90)`."""
    if len(values) == 1:
        return f"{values[0]:.2f} {unit}".strip()
    middle = statistics.median(values)
    return f"{middle:.2f} {unit} ({min(values):.2f} to {max(values):.2f})".replace("  ", " ")


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of `values` lie (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]


def machine() -> str:
    """The machine and the day, for the record."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    load = os.getloadavg()[0]
    kernel = platform.release().split("-")[0]
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{day}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {kernel},"
        f" load {load:.1f} before the run"
    )


def write(title: str, host: str, figures: Sequence[Figure]) -> None:
    """Put the figures of one benchmark into the README, in place of its older ones."""
    RECORD.parent.mkdir(exist_ok=True)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record[title] = {"machine": host, "figures": [asdict(figure) for figure in figures]}
    RECORD.write_text(json.dumps(record, indent=1))
    section = [f"### {title}", "", f"{host}", "", "| what | measured | aim |", "|---|---|---|"]
    section += [f"| {f.what} | {f.measured} | {f.aim} |" for f in figures]
    text = README.read_text()
    head, rest = text.split(START)
    body, tail = rest.split(END)
    sections = [part for part in body.split("### ") if part.strip()]
    kept = [f"### {part.strip()}" for part in sections if part.split("\n")[0].strip() != title]
    body = "\n\n".join([*kept, "\n".join(section)])
    README.write_text(f"{head}{START}\n\n{body}\n\n{END}{tail}")


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures as they go into the table."""
    print(f"\n{title}")
    for figure in figures:
        aim = f"   (aim {figure.aim})" if figure.aim else ""
        print(f"  {figure.what}: {figure.measured}{aim}", flush=True)
