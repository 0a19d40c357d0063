"""Formulas become pictures on the line; text with dollars stays text."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
import tinyhtml5
from nbformat import v4

from km3pdf import formulas
from tests.pdf.conftest import Page

Pages = Callable[..., list[Page]]


def drawn(inner: str, kind: str = "output_html") -> Element:
    root = parsed(f'<div class="{kind}">{inner}</div>')
    formulas.draw(root)
    return root


def parsed(html: str) -> Element:
    """HTML as WeasyPrint parses it."""
    root: Element = tinyhtml5.parse(f"<body>{html}", namespace_html_elements=False)
    return root


def sources(root: Element) -> list[str]:
    return [image.get("alt", "") for image in root.iter("img")]


@pytest.mark.parametrize(
    "formula",
    [
        r"$E^2 = p^2c^2 + m^2c^4$",
        r"$$\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}$$",
        r"\(\nu_\mu\)",
        r"\[\sum_{i=1}^N x_i\]",
        r"\begin{align} a &amp;= b \\ c &amp;= d \end{align}",
        r"\begin{equation}\label{eq:a} x = 1 \end{equation}",
        r"\begin{eqnarray*} a &amp;=&amp; b \end{eqnarray*}",
        r"$\begin{pmatrix} 1 &amp; 0 \\ 0 &amp; 1 \end{pmatrix}$",
        r"$5.3 \; \mathrm{\frac{m}{s}}$",
        r"$\displaystyle \left(\frac{E}{E_0}\right)^{-\Gamma}$",
        r"$\hat{\Omega} \cdot \vec{x} \leq 3\times10^{-9}\,\mathrm{GeV\,cm^{-2}\,s^{-1}}$",
    ],
)
def test_formulas_of_all_kinds_are_drawn(formula: str) -> None:
    root = drawn(f"before {formula} after")
    [source] = sources(root)
    assert source == formula.replace("&amp;", "&")
    assert "".join(root.itertext()) == "before  after"


def test_several_formulas_between_other_elements_keep_their_order() -> None:
    root = drawn("a $x$ b <b>c $y$ d</b> e $z$ f $w$ g")
    assert sources(root) == ["$x$", "$y$", "$z$", "$w$"]
    assert "".join(root.itertext()) == "a  b c  d e  f  g"
    [output] = root.iter("div")
    assert [child.tag for child in output] == ["img", "b", "img", "img"]


@pytest.mark.parametrize(
    "text",
    [
        "costs 5 $ today",
        r"costs \$5 or \$6",
        r"$\frac{a}{$ is cut",
        "<code>$x$</code>",
        "<pre>echo $HOME $PATH</pre>",
        "<script>$('#a') + $('#b')</script>",
        "$$",
    ],
)
def test_text_that_is_not_a_formula_is_unchanged(text: str) -> None:
    root = drawn(text)
    assert sources(root) == []
    assert "".join(root.itertext()) == "".join(parsed(text).itertext())


def test_text_of_markdown_is_left_alone_where_the_exporter_marked_nothing() -> None:
    assert sources(drawn("from $5 to $6", "text_cell_render")) == []


def test_the_width_is_that_of_the_formula() -> None:
    def width(formula: str) -> float:
        [image] = drawn(formula).iter("img")
        return float(image.get("style", "").partition("width: ")[2].partition("em")[0])

    one, three = width("$M$"), width("$MMM$")
    assert 0.7 < one < 1.4  # an em is the width of an M, as typesetters have it
    assert 2.5 * one < three < 3.2 * one


def test_a_letter_below_the_line_lowers_the_picture() -> None:
    def lowered(formula: str) -> float:
        [image] = drawn(formula).iter("img")
        return float(image.get("style", "").partition("vertical-align: ")[2].removesuffix("em"))

    assert lowered("$p$") < lowered("$x$") - 0.1
    assert lowered(r"$\frac{a}{b}$") < lowered("$p$")


def test_formulas_of_markdown_are_on_the_page_and_prices_stay_text(pages: Pages) -> None:
    [page] = pages(r"Between \$5 and \$6: $E = mc^2$, `$code$`." + "\n\n$$\\int x\\,dx$$")
    text = " ".join(page.text.split())
    assert "Between $5 and $6: " in text
    assert "$code$" in text
    assert "mc^2" not in text
    assert r"\int" not in text
    [bare] = pages(r"Between \$5 and \$6: , `$code$`.")
    assert page.ink() > bare.ink() + 100


def test_formulas_of_outputs_are_drawn(pages: Pages) -> None:
    quantity = v4.new_output("display_data", data={"text/latex": r"$5.3 \; \mathrm{m}$"})
    [page] = pages(v4.new_code_cell("", outputs=[quantity]))
    assert "mathrm" not in page.text
    assert page.ink() > 50
