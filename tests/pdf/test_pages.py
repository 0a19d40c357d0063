"""What is in a notebook is on the pages, inside their margins."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest
from nbformat import NotebookNode, v4

from km3pdf.exporter import RenderingError, WeasyPrintExporter
from tests.pdf.conftest import Page

Pages = Callable[..., list[Page]]
#: Points of A4.
A4 = (595, 842)
#: Where nothing may be: the outer 12 mm on the right, in points.
MARGIN = 34


def code(source: str, *outputs: NotebookNode) -> NotebookNode:
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=1)


def shown(**data: str) -> NotebookNode:
    bundle = {name.replace("__", "/").replace("_", "+"): value for name, value in data.items()}
    return v4.new_output("display_data", data=bundle)


def black_png(width: int, height: int) -> str:
    """A black picture, written after the PNG specification."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = (b"\0" + b"\0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return base64.b64encode(
        png + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    ).decode()


def words(page: Page) -> str:
    return " ".join(page.text.split())


def test_text_code_output_and_letters_of_many_alphabets(pages: Pages) -> None:
    letters = "Größe naïve Ελληνικά Русский → ≤ ∑ αβγδ"
    [page] = pages(
        f"# Title\n\n{letters}",
        code("def f(x):\n    return x + 1", v4.new_output("stream", text=f"printed {letters}\n")),
    )
    assert (round(page.width), round(page.height)) == A4
    text = words(page)
    assert f"Title {letters}" in text
    assert f"printed {letters}" in text
    assert "def f(x): return x + 1" in text
    assert "In [1]:" in text
    assert "1 / 1" in text


def test_an_error_is_shown_without_its_colour_codes(pages: Pages) -> None:
    error = v4.new_output(
        "error",
        ename="ZeroDivisionError",
        evalue="division by zero",
        traceback=["\x1b[0;31mZeroDivisionError\x1b[0m: \x1b[38;5;241mdivision by zero\x1b[39m"],
    )
    [page] = pages(code("1/0", error))
    assert "ZeroDivisionError: division by zero" in words(page)
    assert "\x1b" not in page.text
    assert "[0;31m" not in page.text


@pytest.mark.parametrize(
    "line",
    ["x" * 400, "+".join(f"value_{i}" for i in range(60)), "f(" * 150, "a, " * 200],
    ids=["one word", "coloured words", "brackets", "blanks"],
)
def test_long_lines_stay_on_the_page_and_lose_nothing(pages: Pages, line: str) -> None:
    [page] = pages(code(f"y = {line}", v4.new_output("stream", text=line)))
    assert page.ink(columns=slice(-MARGIN, None)) == 0
    text = "".join(page.text.split()).replace("\ufffe", "").replace("\u200b", "")
    assert text.count(line.replace(" ", "")) == 2


def test_a_table_of_pandas_keeps_its_columns(pages: Pages) -> None:
    frame = pd.DataFrame({"energy": [1.5, 20.25], "zenith": [10, 170]}, index=["a", "b"])
    [page] = pages(code("frame", shown(text__html=frame.to_html(), text__plain="unseen")))
    assert "energy zenith a 1.50 10 b 20.25 170" in words(page)
    assert "unseen" not in page.text


@pytest.mark.parametrize("columns", [14, 20, 45])
def test_a_wide_table_gets_a_page_in_landscape_and_the_next_cell_does_not(
    pages: Pages, columns: int
) -> None:
    frame = pd.DataFrame([[i * 7.123456789e3 for i in range(columns)]] * 3)
    html = frame.to_html()
    first, wide, last = pages("before", code("frame", shown(text__html=html)), "and after")
    assert (round(wide.width), round(wide.height)) == A4[::-1]
    assert "frame" in wide.text
    assert wide.ink(columns=slice(-MARGIN, None)) == 0
    # Cells may be broken into lines; no character of them is lost.
    cells = "".join(re.findall(r"<td>(.*?)</td>", html))
    assert Counter(cells) <= Counter(wide.text)
    assert "before" in first.text
    assert "and after" in last.text
    assert (round(first.width), round(last.width)) == (A4[0], A4[0])


def test_pictures_are_on_the_page_and_not_larger_than_it(pages: Pages) -> None:
    [small] = pages(code("", shown(image__png=black_png(100, 50))))
    assert 0.9 * 100 * 50 * 0.75**2 < small.ink() < 1.2 * 100 * 50 * 0.75**2
    [large] = pages(code("", shown(image__png=black_png(3000, 3000))))
    assert large.ink() > 200_000
    assert large.ink(columns=slice(-MARGIN, None)) == 0
    [tall] = pages(code("", shown(image__png=black_png(500, 5000))))
    assert tall.ink() > 20_000
    assert tall.ink(rows=slice(-MARGIN, None)) < 200  # the number of the page


def test_drawings_in_svg(pages: Pages) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    figure = matplotlib.Figure(figsize=(4, 3))
    figure.subplots().plot([0, 1], [0, 1], label=r"$\nu_\mu$")
    file = io.StringIO()
    figure.savefig(file, format="svg")
    [page] = pages(code("", shown(image__svg_xml=file.getvalue(), text__plain="unseen")))
    assert 1000 < page.ink() < 20_000
    assert "unseen" not in page.text


def test_a_widget_is_shown_as_text(pages: Pages) -> None:
    view = v4.new_output(
        "display_data",
        data={
            "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
            "text/html": "<script>document.write('script')</script>",
            "image/png": black_png(100, 100),
        },
    )
    slider = v4.new_output(
        "display_data",
        data={
            "application/vnd.jupyter.widget-view+json": {"model_id": "2"},
            "text/plain": "IntSlider()",
        },
    )
    [page] = pages(code("", view, slider))
    assert "IntSlider()" in page.text
    assert "script" not in page.text
    assert page.ink() > 4000


def test_pictures_beside_the_notebook_and_attached_to_it(pages: Pages, tmp_path: Path) -> None:
    folder = tmp_path / "Größe und mehr"
    folder.mkdir()
    (folder / "own figure.png").write_bytes(base64.b64decode(black_png(200, 200)))
    attached = v4.new_markdown_cell("![x](attachment:a.png)")
    attached["attachments"] = {"a.png": {"image/png": black_png(200, 200)}}
    for cell in ("![x](own%20figure.png)", '<img src="own figure.png">', attached):
        [page] = pages(cell, folder=str(folder))
        assert page.ink() > 20_000, cell


def test_a_missing_picture_is_replaced_by_its_text(pages: Pages) -> None:
    # A port of this machine on which nobody listens.
    missing = "![the spectrum](http://127.0.0.1:9/a.png) ![the map](gone.png)"
    [page] = pages(missing)
    assert "the spectrum" in page.text
    assert "the map" in page.text


def test_an_empty_notebook_is_an_empty_page(pages: Pages) -> None:
    assert len(pages()) == 1


def test_markup_in_the_name_is_not_markup(exporter: WeasyPrintExporter) -> None:
    from tests.pdf.conftest import read

    name = "a <b> & \"c\" 'd'"
    pdf, _ = exporter.from_notebook_node(v4.new_notebook(), {"metadata": {"name": name}})
    assert name in words(read(pdf)[0])


def test_files_beside_the_notebook_are_not_taken_for_modules(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("weasyprint", "random", "logging", "ziamath"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken for a module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "kept" in pages("kept", folder=str(tmp_path))[0].text
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"python": "/nowhere/python"}, "/nowhere/python cannot be run: No such file"),
        ({"time_limit": 0}, "took more than 0 seconds"),
    ],
)
def test_failures_are_reported_in_a_sentence(
    exporter: WeasyPrintExporter, settings: dict[str, object], message: str
) -> None:
    failing = WeasyPrintExporter(**settings)
    with pytest.raises(RenderingError, match=message):
        failing.from_notebook_node(v4.new_notebook())


def test_without_weasyprint_or_pango_the_format_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not WeasyPrintExporter(python=str(tmp_path / "bin/python")).enabled
    monkeypatch.setattr("km3pdf.exporter.LIBRARIES", ("libnowhere.so.0",))
    assert not WeasyPrintExporter(python=sys.executable).enabled


def test_registering_removes_nbconverts_own_entry_points_and_no_other(tmp_path: Path) -> None:
    # An environment with nbconvert as its wheel installs it, and the rest of this one.
    packages = Path(str(metadata.distribution("nbconvert").locate_file("")))
    [info] = packages.glob("nbconvert-*.dist-info")
    copy = tmp_path / info.name
    shutil.copytree(info, copy)
    cache = tmp_path / "cache"
    os.link(copy / "entry_points.txt", cache)
    before = cache.read_text()
    for _ in range(2):
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy"
        code += "; runpy.run_module('km3pdf.register', run_name='__main__')"
        subprocess.run([sys.executable, "-c", code], check=True)
    points = metadata.PathDistribution(copy).entry_points
    names = {point.name for point in points.select(group="nbconvert.exporters")}
    assert {"html", "script", "notebook", "slides"} <= names
    assert not names & {"pdf", "webpdf", "qtpdf", "qtpng"}
    assert points.select(group="console_scripts")
    assert cache.read_text() == before  # the installer's cache, which it may be linked from
