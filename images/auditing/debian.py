"""Debian's security tracker: the JSON file of all source packages with known problems.

Format: https://security-tracker.debian.org/tracker/data/json; it is
`{source: {advisory: {"releases": {code name: {"status", "fixed_version", "urgency"}}}}}`.
A fixed version of 0 means that the release was never affected.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from univers.versions import DebianVersion, InvalidVersion

from auditing.bom import Package
from auditing.finding import DatabaseError, Finding, Unjudged

__all__ = ["DebianTracker"]


class DebianTracker:
    """The tracker's file.

    Parameters
    ----------
    file
        The file. It contains no date, so the file's own time is taken for it: keep it when you
        download or copy the file (`curl --remote-time`, `cp --preserve=timestamps`).

    Raises
    ------
    DatabaseError
        If it is not the tracker's file.
    """

    kinds = frozenset({"deb"})

    def __init__(self, file: Path) -> None:
        try:
            self._sources: dict[str, dict[str, Any]] = json.loads(file.read_bytes())
            self.written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            releases = {
                name
                for advisories in self._sources.values()
                for advisory in advisories.values()
                for name, entry in advisory["releases"].items()
                if entry["status"] in ("open", "resolved", "undetermined")
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatabaseError(
                f"{file} is not a file of Debian's security tracker ({error!r}); download it again"
            ) from None
        if not releases:
            raise DatabaseError(f"{file} contains no advisories; download it again")
        self._releases = releases

    def check(self, packages: Iterable[Package]) -> tuple[list[Finding], list[Unjudged]]:
        """Return what is known about Debian packages."""
        findings: list[Finding] = []
        unjudged: list[Unjudged] = []
        for package in packages:
            if package.release not in self._releases:
                why = f"the database does not cover the Debian release {package.release!r}"
                unjudged.append(Unjudged(package, why))
                continue
            for advisory, content in self._sources.get(package.name, {}).items():
                entry = content["releases"].get(package.release)
                if entry is None:
                    continue
                try:
                    found = _judge(package, advisory, entry)
                except InvalidVersion as error:
                    unjudged.append(Unjudged(package, f"{advisory}: {error}"))
                    continue
                if isinstance(found, Finding):
                    findings.append(found)
                elif isinstance(found, Unjudged):
                    unjudged.append(found)
        return findings, unjudged


def _judge(package: Package, advisory: str, entry: dict[str, Any]) -> Finding | Unjudged | None:
    status, note = entry.get("status"), str(entry.get("urgency", ""))
    if status == "undetermined":
        return Unjudged(package, f"{advisory}: Debian has not determined whether it is affected")
    if status == "open":
        return Finding(package, advisory, fixed="", note=note)
    fixed = str(entry.get("fixed_version", ""))
    if status != "resolved" or not fixed:
        return Unjudged(package, f"{advisory}: the entry has the unknown status {status!r}")
    if fixed == "0" or DebianVersion(package.version) >= DebianVersion(fixed):
        return None
    return Finding(package, advisory, fixed=fixed, note=note)
