"""Provenance of a result: versions, checksums of inputs, and the command."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("nugamma", "gammapy", "astropy", "numpy", "scipy", "naima", "km3irf")


def provenance(inputs: Mapping[str, str | Path | None]) -> dict[str, Any]:
    """Returns versions, checksums, command and time.

    Parameters
    ----------
    inputs
        Files (as paths; name and checksum are stored) and other inputs (as text), by name.
    """
    return {
        "created": datetime.fromtimestamp(
            float(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(UTC).timestamp())), UTC
        ).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": {"python": platform.python_version()} | _versions(),
        "inputs": {what: _described(value) for what, value in inputs.items() if value is not None},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _described(value: str | Path) -> Any:
    if not isinstance(value, Path):
        return value
    if value.is_dir():
        return {p.name: _described(p) for p in sorted(value.iterdir()) if p.is_file()}
    with value.open("rb") as handle:
        return {"file": str(value), "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}
