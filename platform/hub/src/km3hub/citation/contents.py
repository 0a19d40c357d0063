"""What an environment contains: from its image's bill of materials, or from its lock."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

__all__ = ["CitationError", "Contents", "from_bill", "from_image", "from_lock"]

_VERSION_LABEL = "org.opencontainers.image.version"
_BILL = "/opt/sbom.cdx.json"


class CitationError(Exception):
    """An environment cannot be cited; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """One environment."""

    name: str
    title: str
    version: str
    released: date
    """When the image was built; for an environment without one, today."""
    image: str = ""
    digest: str = ""
    """The engine's identifier of the image, sha256:...; empty: there is no image."""
    packages: dict[str, str]
    """Python packages and their versions."""


def from_image(name: str, title: str, image: str) -> Contents:
    """Return the contents of an image on this machine.

    Raises
    ------
    CitationError
        If there is no such image, or it has no bill of materials.
    """
    found = _docker("image", "inspect", image)
    if found is None:
        raise CitationError(f"there is no image {image} on this machine; run: make images")
    facts = json.loads(found)[0]
    bill = _docker("run", "--rm", "--network=none", "--entrypoint=cat", image, _BILL)
    if bill is None:
        raise CitationError(f"the image {image} has no bill of materials; run: make images")
    labels = facts["Config"].get("Labels") or {}
    return Contents(
        name=name,
        title=title,
        version=labels.get(_VERSION_LABEL, "unknown"),
        released=date.fromisoformat(facts["Created"][:10]),
        image=image,
        digest=facts["Id"],
        packages=_of_bill(json.loads(bill)),
    )


def from_bill(name: str, title: str, image: str, *, file: Path, version: str) -> Contents:
    """Return the contents that a bill of materials names, for example one of the portal's.

    Raises
    ------
    CitationError
        If the file is not a bill of materials.
    """
    try:
        packages = _of_bill(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CitationError(f"{file} is not a bill of materials in CycloneDX ({error})") from None
    today = date.today()
    return Contents(
        name=name, title=title, version=version, released=today, image=image, packages=packages
    )


def from_lock(name: str, title: str, *, file: Path, version: str) -> Contents:
    """Return the contents of an environment that runs without containers.

    Raises
    ------
    CitationError
        If it has no lock.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        raise CitationError(
            f"the environment {name} has neither an image nor a lock here ({file}); name a bill of"
            " materials with --bom, e.g. the portal's /software/NAME.cdx.json"
        ) from None
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return Contents(
        name=name, title=title, version=version, released=date.today(), packages=dict(found)
    )


def _of_bill(document: dict[str, Any]) -> dict[str, str]:
    return {
        component["name"]: component["version"]
        for component in document["components"]
        if component["purl"].startswith("pkg:pypi/")
    }


def _docker(*words: str) -> str | None:
    """Return the output of a docker command; None if it fails or there is no Docker."""
    try:
        done = subprocess.run(["docker", *words], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
