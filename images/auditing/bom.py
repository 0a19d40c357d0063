"""The packages in a bill of materials (CycloneDX)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from packageurl import PackageURL

__all__ = ["BomError", "Kind", "Package", "packages"]

Kind = Literal["deb", "pypi", "npm"]


class BomError(Exception):
    """A file is not a bill of materials."""


@dataclass(frozen=True, order=True)
class Package:
    """One package of one image."""

    kind: str
    """The type of its package URL; one of `Kind`, or something that cannot be looked up."""
    name: str
    """As advisories name it: for Debian the source package."""
    version: str
    release: str = ""
    """The code name of the Debian release; empty for others."""
    own: bool = False
    """Whether it is one of the platform's own packages, which no database lists."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.kind})"


def packages(file: Path) -> set[Package]:
    """Return the packages in a file.

    Raises
    ------
    BomError
        If the file cannot be read, is not CycloneDX, or contains a component without a package URL.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["bomFormat"] != "CycloneDX":
            raise ValueError("it is not CycloneDX")
        return {_package(component) for component in document["components"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BomError(f"{file} is not a bill of materials: {error!r}; run: make images") from None


def _package(component: dict[str, Any]) -> Package:
    url = PackageURL.from_string(component["purl"])
    if not url.version:
        raise ValueError(f"{component['purl']} has no version")
    qualifiers = url.qualifiers if isinstance(url.qualifiers, dict) else {}
    properties = {entry["name"]: entry["value"] for entry in component.get("properties", ())}
    own = properties.get("km3net:origin") == "platform"
    if url.type == "deb":
        name, _, version = qualifiers.get("upstream", f"{url.name}@{url.version}").partition("@")
        return Package("deb", name, version, release=qualifiers.get("distro", ""))
    name = f"{url.namespace}/{url.name}" if url.namespace else url.name
    return Package(url.type, name, url.version, own=own)


KINDS: tuple[Kind, ...] = get_args(Kind)
