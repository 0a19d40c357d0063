"""Runs the command line in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path

from click.testing import CliRunner

from nugamma.cli import main


def run(folder: Path, *words: object, code: int = 0) -> str:
    before = dict(os.environ)
    os.environ["NUGAMMA_CACHE"] = str(folder / "cache")
    for name in ("NUGAMMA_CTA_RESPONSE", "NUGAMMA_ARCA_RESPONSE"):
        os.environ.pop(name, None)
    try:
        result = CliRunner().invoke(main, [str(word) for word in words])
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return str(result.output)


FELDMAN_COUSINS = ("--method", "feldman-cousins", "--toys", 10, "--workers", 1)


def changed(scan: Path, out: Path, **changes: object) -> Path:
    content = json.loads(scan.read_text())
    for place, value in changes.items():
        part = content
        *keys, last = place.split("__")
        for key in keys:
            part = part[key]
        if value is None:
            del part[last]
        else:
            part[last] = value
    out.write_text(json.dumps(content))
    return out
