"""The platform's version: the last tag of the checkout. Needs the standard library only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

__all__ = ["BUILD_VARIABLE", "version_of"]

#: What the build of a distribution takes as its version, instead of asking git itself.
BUILD_VARIABLE = "SETUPTOOLS_SCM_PRETEND_VERSION"


def version_of(checkout: Path) -> str:
    """Return the last tag, without its `v`, or else the last release that CHANGELOG.md names.

    A copy without tags (a shallow clone, an archive) still has its changelog; without that it is
    0.0.0.
    """
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    try:
        done = subprocess.run(
            command, cwd=checkout, capture_output=True, encoding="utf-8", errors="replace"
        )
        tag = done.stdout.strip()
    except OSError:
        tag = ""
    if tag:
        return tag.removeprefix("v")
    try:
        text = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    except OSError:
        return "0.0.0"
    release = re.search(r"^## (\d+\.\d+\.\d+)", text, flags=re.MULTILINE)
    return release[1] if release else "0.0.0"
