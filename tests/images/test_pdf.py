"""Notebooks as PDF: from the command line and from JupyterLab's menu, without network."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pypdfium2
import pytest
from nbformat import v4

from tests.images.container import Container

pytestmark = pytest.mark.docker

#: Without Devanagari, whose letters a PDF does not store in the order of the text.
TEXT = "Größe, Ελληνικά, Русский, 中文, 日本語, 한국어, ภาษาไทย"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a notebook that users of the image may read."""
    plain = v4.new_output("stream", text=f"printed: {TEXT}\n")
    latex = v4.new_output("display_data", data={"text/latex": r"$\frac{1}{2}$"})
    cells = [
        v4.new_markdown_cell(f"# {TEXT}\n\n$E = mc^2$"),
        v4.new_code_cell("print(1)", outputs=[plain, latex], execution_count=1),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    tmp_path.chmod(0o755)
    (tmp_path / "one.ipynb").chmod(0o644)
    return tmp_path


def check(pdf: bytes) -> None:
    with pypdfium2.PdfDocument(pdf) as document:
        [page] = document
        text = page.get_textpage().get_text_bounded()
    assert f"printed: {TEXT}" in text
    assert "print(1)" in text
    assert "mc^2" not in text
    assert "frac" not in text


@pytest.mark.parametrize("jupyter", ["/opt/km3net/bin/jupyter", "/opt/lab/bin/jupyter"])
def test_the_command_line_writes_a_pdf_and_nothing_outside_tmp(
    lab: str, jupyter: str, start: Callable[..., Container], folder: Path
) -> None:
    options = (f"--volume={folder}:/notebooks:ro", "--read-only", "--tmpfs=/tmp")
    container = start(lab, *options, idle=True)
    options = (
        ("--WeasyPrintExporter.python=/opt/km3net/bin/python",) if "/opt/lab" in jupyter else ()
    )
    command = ("nbconvert", "--to", "pdf", *options, "--output-dir", "/tmp", "/notebooks/one.ipynb")
    container.run(jupyter, *command)
    check(base64.b64decode(container.run("base64", "/tmp/one.pdf").stdout))


def test_jupyterlabs_menu_offers_pdf_and_nothing_that_cannot_work(
    lab: str, start: Callable[..., Container], folder: Path
) -> None:
    container = start(
        lab, "--env=JUPYTER_TOKEN=secret", f"--volume={folder}:/home/km3/notebooks:ro"
    )
    container.wait_until_healthy()

    def get(path: str) -> bytes:
        address = f"http://127.0.0.1:8888/{path}"
        fetch = f"curl -sSf -H 'Authorization: token secret' '{address}' | base64"
        return base64.b64decode(container.run("bash", "-o", "pipefail", "-c", fetch).stdout)

    offered = json.loads(get("api/nbconvert"))
    assert offered["pdf"]["output_mimetype"] == "application/pdf"
    assert {"html", "markdown", "script", "slides"} <= offered.keys()
    assert not offered.keys() & {"webpdf", "qtpdf", "qtpng", "latex", "rst", "asciidoc"}
    check(get("nbconvert/pdf/notebooks/one.ipynb?download=true"))


@pytest.mark.parametrize(
    "language", ["de", "el", "ru", "uk", "zh-cn", "zh-tw", "ja", "ko", "hi", "th", "he", "ar"]
)
def test_there_is_a_font_for_the_letters_of(
    language: str, lab: str, idle: Callable[[str], Container]
) -> None:
    assert idle(lab).run("fc-list", f":lang={language}", "family").stdout.strip()


@pytest.mark.parametrize("style", ["regular", "italic", "bold", "bold:italic"])
def test_the_pdf_font_has_every_style(
    style: str, lab: str, idle: Callable[[str], Container]
) -> None:
    match = idle(lab).run("fc-match", f"Liberation Sans:{style}", "family", "slant", "weight")
    assert match.stdout.startswith("Liberation Sans:")
    assert ("slant=100" in match.stdout) is ("italic" in style)
    assert ("weight=200" in match.stdout) is ("bold" in style)
