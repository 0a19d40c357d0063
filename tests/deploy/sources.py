"""The deployment's Python files, which are no package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
#: As when one of them is run: they import each other.
sys.path.append(str(DEPLOY))


def module(path: str) -> ModuleType:
    """The module in `deploy/PATH`."""
    file = DEPLOY / path
    spec = importlib.util.spec_from_file_location(f"deploy_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
