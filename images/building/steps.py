"""One `docker build`: its output goes to a log, users see one line per step."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BuildError", "Step", "build", "steps"]

# The classic builder's lines, then BuildKit's (which may work at several steps at a time).
_CLASSIC = re.compile(r"^Step (?P<number>\d+/\d+) : (?P<what>.*)")
_KIT = re.compile(r"^#(?P<id>\d+) \[(?:\S+ +)?(?P<number>\d+/\d+)\] (?P<what>.*)")
_KIT_END = re.compile(r"^#(?P<id>\d+) (?P<how>CACHED|DONE(?: (?P<seconds>[\d.]+)s)?)$")
#: Instructions that take time; ENV, LABEL and the like appear only in the log.
_WORK = ("FROM", "RUN", "COPY")


class BuildError(Exception):
    """`docker build` failed; the message has the end of its output and the path of the log."""


@dataclass(frozen=True)
class Step:
    """A finished step of a Dockerfile."""

    number: str
    what: str
    seconds: float
    cached: bool


def build(
    *,
    dockerfile: Path,
    context: Path,
    tags: list[str],
    arguments: dict[str, str],
    log: Path,
    target: str | None = None,
) -> Iterator[Step]:
    """Build an image, yielding each finished step.

    Raises
    ------
    BuildError
        If the build fails.
    """
    command = ["docker", "build", "--file", str(dockerfile)]
    command += [f"--target={target}"] if target else []
    for tag in tags:
        command += ["--tag", tag]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    process = subprocess.Popen(
        [*command, str(context)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"BUILDKIT_PROGRESS": "plain"},
    )
    lines: list[str] = []
    with log.open("w") as stream:

        def logged(source: Iterable[str]) -> Iterator[str]:
            for line in source:
                stream.write(line)
                lines.append(line.rstrip())
                yield line.rstrip()

        yield from steps(logged(process.stdout or ()))
    if process.wait():
        tail = "\n".join(f"    {line}" for line in lines[-12:])
        raise BuildError(f"docker build failed:\n{tail}\nThe full log is in {log}")


def steps(lines: Iterable[str]) -> Iterator[Step]:
    """Yield the finished steps in the output of either builder, without instantaneous ones."""
    classic: re.Match[str] | None = None
    began, cached = time.monotonic(), False
    running: dict[str, re.Match[str]] = {}
    for line in lines:
        if match := _CLASSIC.match(line):
            yield from _finished(classic, time.monotonic() - began, cached)
            classic, began, cached = match, time.monotonic(), False
        elif line.strip() == "---> Using cache":
            cached = True
        elif match := _KIT.match(line):
            running[match["id"]] = match
        elif (match := _KIT_END.match(line)) and match["id"] in running:
            seconds = float(match["seconds"] or 0)
            yield from _finished(running.pop(match["id"]), seconds, match["how"] == "CACHED")
    yield from _finished(classic, time.monotonic() - began, cached)


def _finished(match: re.Match[str] | None, seconds: float, cached: bool) -> Iterator[Step]:
    if match and match["what"].startswith(_WORK):
        yield Step(match["number"], " ".join(match["what"].split()), seconds, cached)
