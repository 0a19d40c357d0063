"""How fast nugamma scans, next to gammapy's own evaluation of the same point."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from tests.bench.figures import Figure, spread

TITLE = "nugamma: scans"
ROOT = Path(__file__).parents[2]
RESPONSE = ROOT.parent / "shared" / "data" / "joint" / "irf_file_new_CTA.fits"
SOURCES = ("VelaX", "RXJ1713", "HESSJ1908", "Westerlund1")
REPEATS = 5


def measure() -> list[Figure]:
    """Time single pseudo-experiments, one evaluation both ways, and all sources."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        from_nothing = everything(home, "pinned", "--pseudo", "100")
        cached = everything(home, "pinned", "--pseudo", "100", "--seed", "2")
        figures = [
            *single(home / "cache"),
            Figure("all, pinned, from nothing (wall)", f"{from_nothing:.0f} s", "<= 360 s"),
            Figure("all, pinned, cached datasets (wall)", f"{cached:.0f} s", "<= 90 s"),
        ]
        if count := int(os.environ.get("BENCH_PROFILE", "0")):
            profiled = everything(home, "profile", "--pseudo", str(count), "--seed", "3")
            measured = f"{profiled:.0f} s with {count} pseudo-experiments"
            if count != 100:
                # Starting up is not repeated; mode pinned does little else.
                hundred = cached + (profiled - cached) * 100 / count
                measured += f", {hundred:.0f} s extrapolated to 100"
            figures.append(Figure("all, profile, cached datasets (wall)", measured, "<= 900 s"))
    return figures


def everything(home: Path, mode: str, *words: str) -> float:
    """Wall seconds for 4 sources x 2 inputs x 100 pseudo-experiments x 3 scenarios."""
    start = time.perf_counter()
    for source in SOURCES:
        for made in ("leptonic", "hadronic"):
            response = ["--cta-response", str(RESPONSE)] if RESPONSE.is_file() else []
            subprocess.run(
                [
                    *(str(Path(sys.executable).with_name("nugamma")), "scan", source),
                    *("--input", made, "--mode", mode, *words, *response),
                    *("--cache", str(home / "cache"), "--workers", "2"),
                    *("--out", str(home / f"{mode}-{source}-{made}-{time.time_ns()}.json")),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    return time.perf_counter() - start


def single(cache: Path) -> list[Figure]:
    """CPU seconds of one pseudo-experiment, and of one evaluation of the likelihood."""
    from nugamma.datasets import build, map_datasets
    from nugamma.datasets.published import ARCA, CTA
    from nugamma.inference import pinned, profile, reference
    from nugamma.inference.problem import Problem
    from nugamma.inference.pseudo import draw
    from nugamma.sources import load_source

    response = RESPONSE if RESPONSE.is_file() else None
    source = load_source("VelaX")
    telescope = CTA.replace(response=response)
    problem = Problem.of(source, build(source, [telescope, ARCA], cache=cache))
    seconds: dict[str, list[float]] = {"pinned": [], "profile": []}
    with threadpool_limits(1):
        for index in range(REPEATS):
            counts = draw(problem, float(index % 2), 1, index)
            for name, scan in (("pinned", pinned.scan), ("profile", profile.scan)):
                start = time.process_time()
                found = scan(problem, *counts)
                seconds[name].append(time.process_time() - start)
        share = np.linspace(0, 1, 21)
        counts = draw(problem, 0.0, 1, 0)
        fits = pinned.scan(problem, *counts).prefit
        start = time.process_time()
        for _ in range(20):
            found = pinned.scan(problem, *counts, points=share, fits=fits)
        # 21 points of the combined scenario (the other two come with it)
        fast = (time.process_time() - start) / 20 / len(found.share)
        datasets = reference.modelled(
            source,
            map_datasets(source, [telescope]),
            map_datasets(source, [ARCA]),
            problem.hadronic,
            problem.leptonic,
        )
        reference.set_asimov(datasets)
        slow = []
        for number in range(3):
            reference.share_out(
                datasets,
                (0.3 + 0.1 * number) * problem.hadronic.amplitude,
                (0.7 - 0.1 * number) * problem.leptonic.amplitude,
            )
            start = time.process_time()
            datasets.stat_sum()
            slow.append(time.process_time() - start)
    ratio = statistics.median(slow) / fast
    return [
        Figure("one pseudo-experiment, pinned (CPU)", spread(seconds["pinned"]), "<= 0.05 s"),
        Figure("one pseudo-experiment, profile (CPU)", spread(seconds["profile"]), "<= 1 s"),
        Figure("one point of the scan (CPU)", f"{fast * 1e6:.0f} us"),
        Figure("the same point with gammapy (CPU)", spread(slow)),
        Figure("faster than gammapy", f"{ratio:.0f} times", ">= 10000 times"),
    ]


if __name__ == "__main__":
    print(json.dumps([f.__dict__ for f in single(Path(sys.argv[1]))], indent=1))
