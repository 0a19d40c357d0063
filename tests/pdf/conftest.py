"""A notebook as PDF, read back by PDFium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pypdfium2
import pytest
from nbformat import v4

from km3pdf.exporter import WeasyPrintExporter


@dataclass(frozen=True)
class Page:
    """Width and height in points, text, and grey values of a picture with 1 pixel per point."""

    width: float
    height: float
    text: str
    picture: np.ndarray

    def ink(self, rows: slice = slice(None), columns: slice = slice(None)) -> int:
        """How many pixels are not white."""
        return int((self.picture[rows, columns] < 200).sum())


def read(pdf: bytes) -> list[Page]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [
            Page(
                *page.get_size(),
                page.get_textpage().get_text_bounded(),
                page.render(scale=1, grayscale=True).to_numpy().squeeze(),
            )
            for page in document
        ]


@pytest.fixture(scope="session")
def exporter() -> WeasyPrintExporter:
    exporter = WeasyPrintExporter()
    if not exporter.enabled:
        pytest.skip("Pango is missing; run: make tools")
    return exporter


@pytest.fixture(scope="session")
def pages(exporter: WeasyPrintExporter) -> Callable[..., list[Page]]:
    """The pages of a notebook with these cells; a string is a cell of Markdown."""

    def export(*cells: object, folder: str = "") -> list[Page]:
        made = [v4.new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        notebook = v4.new_notebook(cells=made, metadata={"language_info": {"name": "python"}})
        pdf, resources = exporter.from_notebook_node(
            notebook, {"metadata": {"name": "tested", "path": folder}}
        )
        assert resources["output_extension"] == ".pdf"
        assert "outputs" not in resources  # else nbconvert would write a zip file
        return read(pdf)

    return export
