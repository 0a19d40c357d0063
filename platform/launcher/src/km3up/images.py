"""The images of the containers: which are missing, which are older than the code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from km3settings.settings import Settings
from km3up.command import attempt
from km3up.failure import Failure

__all__ = ["has_image", "name_of", "outdated", "provide"]

#: The platform's own images: the service, and the variable of the compose file that names it.
_VARIABLES = {
    "hub": "KM3_IMAGE_HUB",
    "proxy": "KM3_IMAGE_PROXY",
    "firewall": "KM3_IMAGE_FIREWALL",
    "homes": "KM3_IMAGE_HOMES",
    "broker": "KM3_IMAGE_BROKER",
    "opendata": "KM3_IMAGE_OPENDATA",
}
_OWN = "km3net/"


def name_of(service: str) -> str:
    """The image of one of the platform's services."""
    return os.environ.get(_VARIABLES[service], f"{_OWN}{service}")


def has_image(client: docker.DockerClient, image: str) -> bool:
    """Whether the engine has an image."""
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _services(settings: Settings) -> list[str]:
    unused = set() if settings.services.opendata.enabled else {"opendata"}
    unused |= set() if settings.homes.needs_service else {"homes"}
    return [name_of(name) for name in _VARIABLES if name not in unused]


def provide(
    client: docker.DockerClient, root: Path, settings: Settings, say: Callable[[str], None]
) -> None:
    """Build the platform's missing images.

    Raises
    ------
    Failure
        If one cannot be built, or a site's own image is missing.
    """
    asked = {environment.image: environment.name for environment in settings.environments}
    missing = [i for i in (*_services(settings), *asked) if not has_image(client, i)]
    foreign = [image for image in missing if not image.startswith(_OWN)]
    if foreign:
        image = foreign[0]
        whose = f" (environment {asked[image]})" if image in asked else ""
        raise Failure(f"The image {image}{whose} is missing; get it with: docker pull {image}")
    if not missing:
        return
    names = [_recipe(image) for image in missing]
    say(f"Building {', '.join(names)}; the first build takes several minutes")
    if subprocess.run([sys.executable, str(root / "images" / "build.py"), *names]).returncode:
        raise Failure(
            "The images could not be built; see the lines above. Fix the cause and run the same"
            " command again (finished images are kept), or run: make up MODE=embedded"
        )


def outdated(root: Path, settings: Settings) -> list[str]:
    """Returns the platform's images in use that were not built from the checkout's code.

    Empty where that is unknown, for example outside a git checkout.
    """
    used = [*_services(settings), *(e.image for e in settings.environments)]
    names = sorted({_recipe(image) for image in used if image.startswith(_OWN)})
    command = [sys.executable, str(root / "images" / "outdated.py"), *names]
    done = attempt(command)
    return done.stdout.split() if done.returncode == 0 else []


def _recipe(image: str) -> str:
    return image.removeprefix(_OWN).split(":")[0]
