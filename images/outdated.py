"""Print which of the images NAME... were not built from the code in this checkout.

Usage: outdated.py NAME...; prints nothing about an image that is missing, or whose code is unknown
(outside a git checkout, or built outside one).
"""

from __future__ import annotations

import subprocess
import sys

from building import recipes

_LABEL = '{{index .Config.Labels "org.opencontainers.image.revision"}}'


def built_from(image: str) -> str:
    """Return the revision that an image was built from; empty if unknown."""
    command = ["docker", "image", "inspect", "--format", _LABEL, image]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def main(names: list[str]) -> None:
    """Print one name per line."""
    for name in names:
        recipe = recipes.RECIPES.get(name)
        if recipe is None:
            continue
        known = {built_from(recipe.repository), recipes.revision(recipe)} - {"", "unknown"}
        if len(known) == 2:
            print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
