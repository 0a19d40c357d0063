"""Portals to start from: each is made once in a process by its own commands, and then copied."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from .running import environment, run

Command = tuple[str, ...]

MIGRATE: Command = ("migrate",)
SEED: Command = ("seed",)
#: Empty, as the first released portal made its database.
FIRST_RELEASE: Command = ("django", "migrate", "records", "0002")


def prepared(folder: Path, *commands: Command, **more: str) -> dict[str, str]:
    """Return the environment of a new instance on which these commands have been run.

    They run without the variables `more`, so these must not change what the commands do.
    """
    variables = environment(folder, **more)
    if "DATABASE_URL" in variables:
        for command in commands:
            run(variables, *command)
    else:
        shutil.copytree(_state(commands), Path(variables["OPENDATA_STATE"]), symlinks=True)
    return variables


@cache
def _state(commands: tuple[Command, ...]) -> Path:
    *earlier, last = commands
    folder = Path(tempfile.mkdtemp(prefix="opendata-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run(prepared(folder, *earlier) if earlier else environment(folder), *last)
    return folder / "state"
