"""An export of OSV: a ZIP file with one JSON file per advisory.

Format: https://ossf.github.io/osv-schema/ (1.7); the rules for versions are those of its section
"Evaluation".
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from univers.versions import InvalidVersion, PypiVersion, SemverVersion, Version

from auditing.bom import Package
from auditing.finding import DatabaseError, Finding, Unjudged

__all__ = ["OsvExport"]

#: OSV's names of ecosystems: the kind of package and its versions.
_ECOSYSTEMS: dict[str, tuple[str, type[Version]]] = {
    "PyPI": ("pypi", PypiVersion),
    "npm": ("npm", SemverVersion),
}
_VERSIONS = dict(_ECOSYSTEMS.values())


class OsvExport:
    """An export of one or more ecosystems.

    Parameters
    ----------
    file
        The ZIP file. Its date is that of the advisory that was modified last.

    Raises
    ------
    DatabaseError
        If it is damaged, or contains no advisories for Python or npm packages.
    """

    def __init__(self, file: Path) -> None:
        self._affected: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        kinds: set[str] = set()
        dates: list[datetime] = []
        try:
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    if name.endswith(".json"):
                        record = json.loads(archive.read(name))
                        dates.append(datetime.fromisoformat(record["modified"]))
                        kinds |= self._add(record)
        except (OSError, ValueError, KeyError, TypeError, AttributeError,
                zipfile.BadZipFile) as error:  # fmt: skip
            raise DatabaseError(
                f"{file} is not an export of OSV ({error!r}); download it again"
            ) from None
        if not kinds:
            raise DatabaseError(
                f"{file} contains no advisories for Python or npm packages; download the exports"
                " PyPI/all.zip and npm/all.zip"
            )
        self.kinds = frozenset(kinds)
        self.written = max(dates)

    def _add(self, record: dict[str, Any]) -> set[str]:
        kinds = set()
        for affected in record.get("affected", ()):
            package = affected.get("package")
            known = _ECOSYSTEMS.get(package["ecosystem"]) if package else None
            if known:
                kind = known[0]
                kinds.add(kind)
                if not record.get("withdrawn"):
                    key = kind, _normal(kind, package["name"])
                    self._affected[key].append((record["id"], affected))
        return kinds

    def check(self, packages: Iterable[Package]) -> tuple[list[Finding], list[Unjudged]]:
        """Return what is known about Python and npm packages."""
        findings: list[Finding] = []
        unjudged: list[Unjudged] = []
        for package in packages:
            key = package.kind, _normal(package.kind, package.name)
            for advisory, affected in self._affected.get(key, ()):
                try:
                    hit, fixed = _judge(package, affected)
                except (InvalidVersion, KeyError, TypeError, ValueError) as error:
                    unjudged.append(Unjudged(package, f"{advisory}: {error}"))
                    continue
                if hit:
                    findings.append(Finding(package, advisory, fixed=fixed))
        return findings, unjudged


def _normal(kind: str, name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower() if kind == "pypi" else name


def _judge(package: Package, affected: dict[str, Any]) -> tuple[bool, str]:
    """Return whether a package is affected, and the first version that is not."""
    kind = _VERSIONS[package.kind]
    version = kind(package.version)
    listed = affected.get("versions", [])
    ranges = [r for r in affected.get("ranges", ()) if r.get("type") in ("ECOSYSTEM", "SEMVER")]
    fixes = [
        kind(event["fixed"])
        for found in ranges
        for event in found["events"]
        if "fixed" in event and kind(event["fixed"]) > version
    ]
    fixed = str(min(fixes)) if fixes else ""
    if not listed and not ranges:
        # Only ranges of commits: nothing says that this version is not affected.
        raise ValueError("the advisory names no versions")
    within = package.version in listed or any(_within(version, kind, r["events"]) for r in ranges)
    return within, fixed


def _within(version: Version, kind: type[Version], events: list[dict[str, str]]) -> bool:
    def place(event: dict[str, str]) -> Version:
        (text,) = event.values()
        return kind("0.0.0" if text == "0" else text)

    inside = False
    for event in sorted((e for e in events if "limit" not in e), key=place):
        if "introduced" in event and (event["introduced"] == "0" or version >= place(event)):
            inside = True
        elif ("fixed" in event and version >= place(event)) or (
            "last_affected" in event and version > place(event)
        ):
            inside = False
    return inside
