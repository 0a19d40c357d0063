"""What the Docker Engine says about itself and about images."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["EngineError", "check", "manifest", "size"]

#: All images and what is needed while building them, with room to spare.
NEEDED_BYTES = 6 * 1024**3


class EngineError(Exception):
    """No engine answers, or it has no room."""


def check() -> None:
    """Make sure that an engine answers and that its disk has room.

    Raises
    ------
    EngineError
        If not; the message says what to do.
    """
    if not shutil.which("docker"):
        raise EngineError("there is no `docker` command here: run `make engine` as root")
    try:
        answer = _docker("info", "--format", "{{json .}}")
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineError(
            f"the Docker Engine does not answer ({reason}). Run `make engine` as root to start "
            "it; if it runs, your account may have to be in the group `docker`"
        ) from error
    info: dict[str, Any] = json.loads(answer)
    if info.get("ServerErrors"):
        raise EngineError(
            f"the Docker Engine does not answer ({info['ServerErrors'][0]}). Run `make engine` as "
            "root to start it; if it runs, your account may have to be in the group `docker`"
        )
    root = Path(info["DockerRootDir"])
    # An engine elsewhere (DOCKER_HOST) keeps its images where we cannot look.
    if root.is_dir() and (free := shutil.disk_usage(root).free) < NEEDED_BYTES:
        raise EngineError(
            f"{root} has {free / 1024**3:.1f} GB free, the images need "
            f"{NEEDED_BYTES / 1024**3:.0f} GB. `docker system df` shows what is in use, "
            "`docker image prune` frees what nothing uses"
        )


def size(image: str) -> int:
    """Size of an image on disk in bytes, with its parents'."""
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def manifest(image: str) -> dict[str, Any]:
    """The image's list of what is installed in it."""
    text = _docker("run", "--rm", "--network=none", "--entrypoint=cat", image, "/opt/manifest.json")
    return dict(json.loads(text))


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout
