"""Variables that the platform's processes need, wherever `make up` is started from.

A terminal sets all of them; cron, systemd and `sudo` do not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from km3settings.proxies import beside_loopback

__all__ = ["completed"]

#: In the order in which setlocale(3) uses them.
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
#: The locale of every C library that can encode every letter.
_ALL_LETTERS = "C.UTF-8"


def _locale(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns a locale that can encode every letter, if the current one cannot."""
    present = next((environment[name] for name in _LOCALE if environment.get(name)), "C")
    if present.lower().replace("-", "").endswith("utf8"):
        return {}
    # LC_ALL, because it overrides the others.
    return {"LC_ALL": _ALL_LETTERS}


def _home(environment: Mapping[str, str], otherwise: Path) -> dict[str, str]:
    if environment.get("HOME"):
        return {}
    try:
        return {"HOME": str(Path.home())}
    except RuntimeError:  # the user is not known to the system
        return {"HOME": str(otherwise)}


def completed(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Returns the variables to add to an environment.

    Parameters
    ----------
    environment
        Variables and their values.
    folder
        The home folder where neither the environment nor the system has one.
    """
    path = {} if environment.get("PATH") else {"PATH": os.defpath}
    return {**_locale(environment), **_home(environment, folder), **path,
            **beside_loopback(environment)}  # fmt: skip
