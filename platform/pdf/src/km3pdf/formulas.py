r"""Formulas in TeX, drawn as pictures that sit on the line of the text.

In Markdown the exporter has marked them (`class="tex"`); in outputs of cells they are where MathJax
finds them in JupyterLab: in all text but code, between `$`, `$$`, `\(` and `\[`, and in
environments. A formula that cannot be drawn stays as it was written.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["draw"]

#: Text in these is shown as it is.
_VERBATIM = frozenset(("pre", "code", "script", "style", "textarea", "svg", "math"))
#: Outputs that may hold formulas.
_OUTPUTS = frozenset(("output_html", "output_latex"))
#: STIX beside DejaVu Sans, whose small letters are taller: em of the text.
_SCALE = 1.12

_FORMULA = re.compile(
    r"""
    (?<!\\) (?:
        \$\$ (?P<display>.+?) (?<!\\) \$\$
      | \\\[ (?P<bracket>.+?) \\\]
      | \\begin\{(?P<name>(?:equation|align|alignat|gather|multline|eqnarray|math)\*?)\}
        (?P<body>.+?) \\end\{(?P=name)\}
      | \\\( (?P<parenthesis>.+?) \\\)
      | \$ (?P<inline>(?:[^$\\]|\\.)+?) \$
    )
    """,
    re.VERBOSE | re.DOTALL,
)
#: For TeX, which counts equations; nothing is counted here.
_NUMBERING = re.compile(r"\\(?:label\s*\{[^}]*\}|nonumber\b|notag\b)")


def draw(root: Element) -> None:
    """Replace the formulas below an element by pictures.

    Parameters
    ----------
    root
        A page of the exporter; it is changed in place.
    """
    for element in [*root.iter("span")]:
        if element.get("class") == "tex" and element.text:
            _draw_in(element)
    for output in [*root.iter("div")]:
        if _OUTPUTS & set(element_classes(output)):
            for element in [*_readable(output)]:
                _draw_in(element)


def element_classes(element: Element) -> list[str]:
    """Return the names in an element's attribute `class`."""
    return element.get("class", "").split()


def _readable(element: Element) -> Iterator[Element]:
    # The tag of a comment is a function.
    if isinstance(element.tag, str) and element.tag.rpartition("}")[2].lower() not in _VERBATIM:
        yield element
        for child in element:
            yield from _readable(child)


def _draw_in(parent: Element) -> None:
    """Replace the formulas in the text of an element and between its children."""
    children = [*parent]
    parent.text, pictures = _replace(parent.text)
    place = len(pictures)
    parent[:0] = pictures
    for child in children:
        child.tail, pictures = _replace(child.tail)
        parent[place + 1 : place + 1] = pictures
        place += 1 + len(pictures)


def _replace(text: str | None) -> tuple[str | None, list[Element]]:
    """Return the text before the first formula, and the pictures with the text after each."""
    if not text or not _FORMULA.search(text):
        return text, []
    parts, pictures, end = [""], [], 0
    for match in _FORMULA.finditer(text):
        parts[-1] += text[end : match.start()]
        end = match.end()
        picture = _picture(match)
        if picture is None:
            parts[-1] += match.group()
        else:
            pictures.append(picture)
            parts.append("")
    parts[-1] += text[end:]
    for picture, tail in zip(pictures, parts[1:], strict=True):
        picture.tail = tail
    return parts[0], pictures


def _picture(match: re.Match[str]) -> Element | None:
    found = match.groupdict()
    inline = found["inline"] or found["parenthesis"]
    source = inline or found["display"] or found["bracket"]
    if found["name"]:
        # An environment matters to several lines only.
        several = r"\\" in found["body"] or "&" in found["body"]
        source = rf"\begin{{align*}}{found['body']}\end{{align*}}" if several else found["body"]
    drawn = _drawn(_NUMBERING.sub("", source).strip(), bool(inline))
    if drawn is None:
        return None
    style = f"width: {drawn.width * _SCALE:.3f}em"
    if inline:
        style += f"; vertical-align: {-drawn.depth * _SCALE:.3f}em"
    return Element(
        "img",
        {
            "class": "formula" if inline else "formula display",
            "alt": match.group(),
            "src": "data:image/svg+xml;base64," + base64.b64encode(drawn.svg.encode()).decode(),
            "style": style,
        },
    )


@dataclass(frozen=True)
class _Drawn:
    """A formula as SVG; its width, and how deep it goes below the line, in em."""

    svg: str
    width: float
    depth: float


@lru_cache(maxsize=1024)
def _drawn(source: str, inline: bool) -> _Drawn | None:
    """Draw a formula; None if that is not possible."""
    from ziamath.zmath import Latex

    size = 10.0
    try:
        formula = Latex(source, size=size, inline=inline, margin=0.3)
        left_top_width_height = formula.svgxml().attrib["viewBox"].split()
        _, top, width, height = map(float, left_top_width_height)
        return _Drawn(formula.svg(), width / size, (top + height) / size)
    except Exception:
        return None
