"""Starts of servers, in turn on this checkout's platform and on that of an earlier release."""

from __future__ import annotations

import os
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.bench.crowd import SERVICES, Crowd, crowd
from tests.bench.figures import Figure, spread
from tests.bench.release import REFERENCE, provide
from tests.bench.spawn import spawn_until_lab
from tests.e2e.platforms import Platform, start
from tests.e2e.servers import stop_server

TITLE = f"Starts of servers, in turn with release {REFERENCE}"
#: Users at once, and how often they come.
SIZE = int(os.environ.get("BENCH_CROWD", "30"))
CROWDS = int(os.environ.get("BENCH_CROWDS", "4"))
#: Starts of one user, one after the other.
SINGLE = int(os.environ.get("BENCH_SINGLE", "7"))
_PAIR = ("km3bench", "km3before")


def measure() -> list[Figure]:
    """Alternate single starts and crowds; the first single round only warms up."""
    release = provide()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        platforms = []
        for project in _PAIR:
            place = Path(folder) / project
            place.mkdir(mode=0o755)
            ours = project == _PAIR[0]
            settings = {} if ours else {"settings": release.settings, "program": release.command}
            platforms.append(start("docker", place, project=project, **settings))
            running.callback(platforms[-1].stop)
        singles = [_single(number, platforms) for number in range(SINGLE + 1)][1:]
        crowds = [_crowds(number, platforms) for number in range(CROWDS)]
    return [*_single_figures(singles), *_crowd_figures(crowds)]


def _turns(number: int, platforms: list[Platform]) -> list[Platform]:
    """Each of the two is first in every other round."""
    return platforms if number % 2 else platforms[::-1]


def _single(number: int, platforms: list[Platform]) -> tuple[float, float]:
    took = {}
    for platform in _turns(number, platforms):
        person = platform.api(platform.user, platform.password)
        took[platform.project] = spawn_until_lab(person)
    return took[_PAIR[0]], took[_PAIR[1]]


def _crowds(number: int, platforms: list[Platform]) -> tuple[Crowd, Crowd]:
    found = {}
    for platform in _turns(number, platforms):
        came = crowd(platform, [f"guest{number}-{n:02d}" for n in range(SIZE)])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda visit: stop_server(visit.person), came.visits))
        found[platform.project] = came
        print(platform.project, f"{came.wall:.1f} s", came.services, flush=True)
    return found[_PAIR[0]], found[_PAIR[1]]


def _single_figures(rounds: list[tuple[float, float]]) -> list[Figure]:
    return [
        Figure("one user, POST spawn until Lab page 200", spread([ours for ours, _ in rounds])),
        Figure(f"the same, {REFERENCE}", spread([before for _, before in rounds])),
        Figure("ratio, round by round", spread([a / b for a, b in rounds], "")),
    ]


def _crowd_figures(rounds: list[tuple[Crowd, Crowd]]) -> list[Figure]:
    ours, before = [a for a, _ in rounds], [b for _, b in rounds]
    walls = [a.wall / b.wall for a, b in rounds]
    cpus = [a.per_start / b.per_start for a, b in rounds]
    return [
        Figure(f"{SIZE} users at once: wall time", spread([c.wall for c in ours])),
        Figure(f"the same, {REFERENCE}", spread([c.wall for c in before])),
        Figure("ratio, round by round", spread(walls, ""), "<= 0.6"),
        *(
            Figure(f"CPU seconds of {what} a start{suffix}", spread([c.per_start for c in found]))
            for what, suffix, found in (
                ("hub, proxy and broker", "", ours),
                ("hub and proxy", f", {REFERENCE}", before),
            )
        ),
        Figure("ratio, round by round", spread(cpus, ""), "<= 0.4"),
        *(Figure(f"of which {name}", _part(ours, before, name)) for name in SERVICES),
        Figure("CPU seconds of a user's container a start", _container(ours, before)),
    ]


def _part(ours: list[Crowd], before: list[Crowd], name: str) -> str:
    now, then = (
        statistics.median(c.services.get(name, 0.0) / len(c.visits) for c in found)
        for found in (ours, before)
    )
    return f"{now:.3f} s ({REFERENCE}: {then:.3f} s)"


def _container(ours: list[Crowd], before: list[Crowd]) -> str:
    now, then = (
        statistics.median(v.cpu for c in found for v in c.visits) for found in (ours, before)
    )
    return f"{now:.2f} s ({REFERENCE}: {then:.2f} s)"
