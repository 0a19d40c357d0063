"""The formats that Lab's menu *Save and Export Notebook As* offers: those that work here."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from traitlets.config import Config

__all__ = ["hide_what_cannot_work"]

#: What each exporter of nbconvert needs: programs, then modules.
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ASCIIDocExporter": (("pandoc",), ()),
    "LatexExporter": (("pandoc",), ()),
    "PDFExporter": (("pandoc", "xelatex"), ()),
    "QtPDFExporter": ((), ("PyQtWebEngine",)),
    "QtPNGExporter": ((), ("PyQtWebEngine",)),
    "RSTExporter": (("pandoc",), ()),
    "WebPDFExporter": ((), ("playwright",)),
}


def hide_what_cannot_work(config: Config) -> None:
    """Turn off each exporter that lacks a program or a module."""
    for name, (programs, modules) in _NEEDS.items():
        works = all(map(shutil.which, programs)) and all(map(find_spec, modules))
        # PDFExporter inherits settings from LatexExporter, so each needs its own.
        config[name].enabled = works
