"""Long lines of code and text without blanks: where they may be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["allow_breaks"]

#: Characters without a blank after which a line may be broken between two coloured parts.
RUN = 40
ZERO_WIDTH_SPACE = "\u200b"


def allow_breaks(root: Element) -> None:
    """Let long runs of coloured words in `pre` go on in the next line.

    WeasyPrint breaks a long word anywhere, but not between two elements, and highlighted code has
    an element for each word.
    """
    for element in root.iter("pre"):
        if len(element):
            _allow(element, 0)


def _allow(element: Element, run: int) -> int:
    """Walk through the text; return how many characters there are since the last blank."""
    element.text, run = _part(element.text, run)
    for child in element:
        run = _allow(child, run)
        child.tail, run = _part(child.tail, run)
    return run


def _part(text: str | None, run: int) -> tuple[str | None, int]:
    if not text:
        return text, run
    words = text.split()
    if not words or text[-1].isspace():
        return text, 0
    if len(words) > 1 or text[0].isspace():
        return text, len(words[-1])
    run += len(text)
    return (ZERO_WIDTH_SPACE + text, len(text)) if run > RUN else (text, run)
