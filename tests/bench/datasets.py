"""Datasets of one source, made from nothing and read from the cache: time and peak memory."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests import commands
from tests.bench.figures import Figure, spread

TITLE = "Datasets of Vela X"
ROUNDS = 3
PUBLIC = Path(__file__).resolve().parents[3] / "shared/data/joint/irf_file_new_CTA.fits"

#: Runs in a process of its own, so that the peak of its memory is that of one step.
PROGRAM = """
import json, sys, time
from pathlib import Path
from nugamma.datasets import build
from nugamma.datasets.published import ARCA, CTA
from nugamma.sources import load_source

step, cta, folder = sys.argv[1:]
source = load_source("VelaX")
began, cpu = time.perf_counter(), time.process_time()
telescope = CTA.replace(response=cta or None)
if step == "cta":
    list(telescope.maps(source))
elif step == "arca":
    list(ARCA.maps(source))
else:
    build(source, [telescope, ARCA], cache=folder)
print(json.dumps({
    "wall": time.perf_counter() - began,
    "cpu": time.process_time() - cpu,
    # The peak of getrusage begins with that of the process that started this one.
    "peak": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024**2,
}))
"""


def measure() -> list[Figure]:
    """Make all datasets several times; the cached ones after the first."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = [
            {
                "cta": run("cta", ""),
                "arca": run("arca", ""),
                "all": run("all", str(Path(folder, str(number)))),
                "cached": run("all", str(Path(folder, str(number)))),
            }
            for number in range(ROUNDS)
        ]
    aims = {"cta": "<= 20 s", "arca": "<= 15 s", "all": "", "cached": ""}
    names = {
        "cta": "CTA maps",
        "arca": "KM3NeT maps, 8 h time step",
        "all": "all datasets, folded",
        "cached": "all datasets, folded, from the cache",
    }
    figures = []
    for step, name in names.items():
        wall = spread([one[step]["wall"] for one in rounds])
        cpu = spread([one[step]["cpu"] for one in rounds])
        peak = max(one[step]["peak"] for one in rounds)
        figures += [
            Figure(name, f"{wall}, CPU {cpu}", aims[step]),
            Figure(f"{name}: peak memory", f"{peak:.2f} GB", "<= 3 GB"),
        ]
    return figures


def run(step: str, folder: str) -> dict[str, float]:
    """Wall and CPU seconds of one step without the imports, and peak memory in GB with them."""
    response = str(PUBLIC) if PUBLIC.is_file() else ""
    command = [sys.executable, "-c", PROGRAM, step, response, folder]
    done = commands.run(*command, env=os.environ)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
