"""What the platform's processes need of their environment, wherever `make up` was started from.

A terminal sets all of it; cron, systemd and `sudo` leave some of it out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from km3settings.proxies import beside_loopback

__all__ = ["completed"]

#: In this order, as setlocale(3) looks for the encoding of texts.
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
#: The locale that every C library has whose language is nobody's and whose letters are all.
_ALL_LETTERS = "C.UTF-8"


def _locale(environment: Mapping[str, str]) -> dict[str, str]:
    """A locale that can write every letter, where the present one cannot."""
    present = next((environment[name] for name in _LOCALE if environment.get(name)), "C")
    if present.lower().replace("-", "").endswith("utf8"):
        return {}
    # LC_ALL, as it may be what has to be overruled.
    return {"LC_ALL": _ALL_LETTERS}


def _home(environment: Mapping[str, str], otherwise: Path) -> dict[str, str]:
    if environment.get("HOME"):
        return {}
    try:
        return {"HOME": str(Path.home())}
    except RuntimeError:  # nor does the system know this user
        return {"HOME": str(otherwise)}


def completed(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What to add to an environment.

    Parameters
    ----------
    environment
        Variables and their values.
    folder
        What programs get as the home where neither the environment nor the system names one.
    """
    path = {} if environment.get("PATH") else {"PATH": os.defpath}
    return {**_locale(environment), **_home(environment, folder), **path,
            **beside_loopback(environment)}  # fmt: skip
