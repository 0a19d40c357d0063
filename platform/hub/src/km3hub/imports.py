"""Optional imports that cost much and give nothing here."""

from __future__ import annotations

import sys

__all__ = ["skip_unused"]

#: The optional part of a library that a server uses, each with what is lost without it.
_SKIPPED = (
    # jsonschema: the checks of `format: iri`, which no schema of Jupyter's uses. Its import
    # compiles a grammar, which takes longer than all the rest of a server (1.6 s).
    "rfc3987_syntax",
)


def skip_unused() -> None:
    """Let these modules look as if they were not installed; libraries are prepared for that."""
    for name in _SKIPPED:
        # None makes `import NAME` raise ModuleNotFoundError.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
