"""What a start need not pay for.

Measured with `python -X importtime`: a server that imports everything uses four times the
processor time until its first page, and thirty people start at once when a workshop begins.
"""

from __future__ import annotations

import os
import sys

__all__ = ["import_lab"]

#: Optional imports of libraries that the server uses, each with what is lost without it.
_SKIPPED = {
    # jsonschema: the checks of `format: iri`, which no schema of Jupyter's uses. Its import
    # compiles a grammar, which takes longer than all the rest of the server (about a second).
    "rfc3987_syntax": None,
}


def import_lab() -> None:
    """Import JupyterLab without the parts that nobody here needs."""
    for name, module in _SKIPPED.items():
        # None makes `import NAME` raise ImportError, which these libraries are prepared for.
        sys.modules.setdefault(name, module)  # type: ignore[arg-type]
    # Where `node` is on the PATH, the import of jupyterlab.labapp runs it (0.6 s) to ask yarn for
    # the registry from which extensions would be built. Nothing is built here.
    path = os.environ.get("PATH")
    os.environ["PATH"] = os.devnull
    try:
        import jupyterlab.labapp  # noqa: F401
    finally:
        if path is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = path
