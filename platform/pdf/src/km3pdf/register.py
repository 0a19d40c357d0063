"""`python -m km3pdf.register`: make km3pdf the only exporter `pdf` of this environment.

nbconvert takes the first entry point of a name, in the order of the disk. Its own `pdf` needs
LaTeX, `webpdf` and those of Qt a browser: all of them go. An update of nbconvert restores them.
"""

from __future__ import annotations

import os
from importlib.metadata import distribution
from pathlib import Path

__all__ = ["main"]

#: Names of nbconvert's entry points that make PDFs and pictures of pages.
REPLACED = ("pdf", "webpdf", "qtpdf", "qtpng")


def main() -> None:
    """Remove nbconvert's own entry points; does nothing where that was done."""
    own = Path(str(distribution("nbconvert").locate_file(""))).glob("nbconvert-*.dist-info")
    for folder in own:
        file = folder / "entry_points.txt"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.partition("=")[0].strip() not in REPLACED]
        if kept != lines:
            # A new file: the old one may be a hard link into the installer's cache.
            new = file.with_suffix(".new")
            new.write_text("".join(kept), encoding="utf-8")
            os.replace(new, file)


if __name__ == "__main__":
    main()
