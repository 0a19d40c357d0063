"""`make bench`: measure, show, and write the tables of README.md."""

from __future__ import annotations

import sys
from importlib import import_module

from tests.bench.figures import machine, show, write

ALL = (
    "embedded",
    "spawn",
    "broker",
    "starts",
    "crowd",
    "workshop",
    "memory",
    "datasets",
    "opendata",
    "openkm3",
    "inference",
)


def main(names: list[str]) -> None:
    """Run the benchmarks of these names, or all of them."""
    unknown = sorted(set(names) - set(ALL))
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]}; there are: {', '.join(ALL)}")
    for name in names or ALL:
        benchmark = import_module(f"tests.bench.{name}")
        host = machine()
        figures = benchmark.measure()
        show(benchmark.TITLE, figures)
        write(benchmark.TITLE, host, figures)


if __name__ == "__main__":
    main(sys.argv[1:])
