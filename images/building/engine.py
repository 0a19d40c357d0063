"""Facts about the Docker Engine and its images."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["EngineError", "bill_of_materials", "check", "manifest", "size"]

#: Disk space for all images and their builds, with a margin.
NEEDED_BYTES = 6 * 1024**3


class EngineError(Exception):
    """No engine answers, or its disk is too full."""


def check() -> None:
    """Check that an engine answers and that its disk has enough space.

    Raises
    ------
    EngineError
        If not, with what to do.
    """
    if not shutil.which("docker"):
        raise EngineError("the command `docker` is missing: run `sudo make engine`")
    try:
        answer = _docker("info", "--format", "{{json .}}")
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise _no_answer(reason) from error
    info: dict[str, Any] = json.loads(answer)
    if info.get("ServerErrors"):
        raise _no_answer(info["ServerErrors"][0])
    root = Path(info["DockerRootDir"])
    # The disk of a remote engine (DOCKER_HOST) cannot be seen from here.
    if root.is_dir() and (free := shutil.disk_usage(root).free) < NEEDED_BYTES:
        raise EngineError(
            f"{root} has {free / 1024**3:.1f} GB free, but the images need "
            f"{NEEDED_BYTES / 1024**3:.0f} GB. `docker system df` shows what uses space, "
            "`docker image prune` removes unused images"
        )


def _no_answer(reason: str) -> EngineError:
    return EngineError(
        f"the Docker Engine does not answer ({reason}). Start it with `sudo make engine`; if it is "
        "running, your account may need to be in the group `docker`"
    )


def size(image: str) -> int:
    """Return the size of an image on disk in bytes, including its parents."""
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def manifest(image: str) -> dict[str, Any]:
    """Return the image's list of installed packages."""
    text = _docker("run", "--rm", "--network=none", "--entrypoint=cat", image, "/opt/manifest.json")
    return dict(json.loads(text))


def bill_of_materials(image: str) -> str:
    """Return the image's bill of materials, CycloneDX as JSON."""
    file = "/opt/sbom.cdx.json"
    return _docker("run", "--rm", "--network=none", "--entrypoint=cat", image, file)


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout
