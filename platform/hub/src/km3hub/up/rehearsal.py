"""Trying the hub's configuration before a hub that works is stopped for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from km3hub.up.command import LAST_LINES
from km3hub.up.failure import Failure

__all__ = ["rehearse"]

#: Reads the configuration as JupyterHub does, and starts nothing.
_READ = """
from traitlets.config.loader import PyFileConfigLoader
from km3hub.hub import CONFIGURATION
PyFileConfigLoader(str(CONFIGURATION)).load_config()
"""


def rehearse(environment: Mapping[str, str], folder: Path) -> None:
    """Read the hub's configuration in a process of its own.

    Parameters
    ----------
    environment
        The hub's.
    folder
        The hub's working directory.

    Raises
    ------
    Failure
        Where it cannot be read; whatever runs goes on as before.
    """
    done = subprocess.run(
        [sys.executable, "-c", _READ],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()[-LAST_LINES:]
        raise Failure(
            "A hub with these settings and this code would not start; nothing was changed, and what"
            " runs goes on as before. It said:\n  " + "\n  ".join(words)
        )
