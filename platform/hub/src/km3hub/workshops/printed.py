"""The handout as PDF: ten cards on a page of A4, with lines to cut along."""

from __future__ import annotations

import logging

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from km3hub.workshops.fonts import Fonts
from km3hub.workshops.handout import Handout, Slip

__all__ = ["printed"]

# All lengths are in millimetres.
_MARGIN, _WIDTH, _HEIGHT = 10.0, 95.0, 55.4
_COLUMNS, _ROWS = 2, 5
_PADDING, _CODE = 5.0, 32.0
_TEXT_WIDTH = _WIDTH - 3 * _PADDING - _CODE
_GREY, _BLACK = (90, 100, 110), (16, 32, 44)
#: The margin around a QR code that readers need, in modules (ISO/IEC 18004).
_QUIET = 4


def printed(handout: Handout, fonts: Fonts | None) -> bytes:
    """Returns the handout as PDF.

    Parameters
    ----------
    handout
        The cards.
    fonts
        Files of fonts. Without any, the fonts that every PDF reader has are used, and letters other
        than those of Western Europe become `?`.
    """
    document = _Document(handout, fonts)
    for number, slip in enumerate(handout.slips):
        place = number % (_COLUMNS * _ROWS)
        if place == 0:
            document.add_page()
        row, column = divmod(place, _COLUMNS)
        document.card(slip, _MARGIN + column * _WIDTH, _MARGIN + row * _HEIGHT)
    return bytes(document.output())


class _Document(FPDF):
    """Draws cards."""

    def __init__(self, handout: Handout, fonts: Fonts | None) -> None:
        super().__init__(orientation="P", unit="mm", format="A4")
        # A message for each letter that a font lacks is of no use to an organiser.
        logging.getLogger("fpdf").setLevel(logging.ERROR)
        logging.getLogger("fontTools").setLevel(logging.ERROR)
        self._handout = handout
        self._unicode = fonts is not None
        self._body, self._keys = "helvetica", "courier"
        if fonts:
            self._body, self._keys = "body", "keys"
            self.add_font("body", "", fonts.regular)
            self.add_font("body", "B", fonts.bold)
            self.add_font("keys", "B", fonts.fixed)
            for number, path in enumerate(fonts.more):
                self.add_font(f"more{number}", "", path)
            names = [f"more{number}" for number in range(len(fonts.more))]
            self.set_fallback_fonts(names, exact_match=False)
        self.set_title(handout.title)
        self.set_auto_page_break(False)
        self.set_margin(0)

    def card(self, slip: Slip, x: float, y: float) -> None:
        """Draw one card with its upper left corner at this place."""
        self.set_draw_color(150, 160, 170)
        self.set_dash_pattern(dash=1.5, gap=1.5)
        self.rect(x, y, _WIDTH, _HEIGHT)
        self.set_dash_pattern()
        left = x + _PADDING
        self.set_xy(left, y + 4)
        self._text("B", 11.5, slip.name or slip.account, _WIDTH - 2 * _PADDING)
        title = f"{self._handout.title} · teacher" if slip.teacher else self._handout.title
        self._text("", 8, title, _WIDTH - 2 * _PADDING, _GREY)
        self.set_y(y + 14.5)
        for label, value in (
            ("Address", self._handout.address),
            ("Account", slip.account),
            ("Password", slip.password or "was changed; ask the organiser"),
        ):
            self.set_x(left)
            self._text("", 7.5, label, _TEXT_WIDTH, _GREY)
            self._text("" if label == "Address" else "key", 10, value, _TEXT_WIDTH)
            self.set_y(self.get_y() + 0.8)
        if slip.link:
            code_x = x + _WIDTH - _PADDING - _CODE
            self._code(slip, code_x, y + 12.5)
            self.set_xy(code_x, y + 12.5 + _CODE)
            self._text("", 7, "Scan to log in, once", _CODE, _GREY, centred=True)
        self.set_xy(left, y + _HEIGHT - 5.5)
        until = f"Valid until {self._handout.until}. Help: {self._handout.contact}"
        self._text("", 7, until, _WIDTH - 2 * _PADDING, _GREY)

    def _text(
        self,
        style: str,
        size: float,
        text: str,
        width: float,
        color: tuple[int, int, int] = _BLACK,
        *,
        centred: bool = False,
    ) -> None:
        """Write one line at the current place, smaller where it would be too long."""
        family, face = (self._keys, "B") if style == "key" else (self._body, style)
        text = self._printable(text)
        self.set_text_color(*color)
        self.set_font(family, face, size)
        while self.get_string_width(text) > width and size > 5:
            size -= 0.5
            self.set_font_size(size)
        while self.get_string_width(text) > width and len(text) > 1:
            text = f"{text[:-2]}…" if self._unicode else f"{text[:-4]}..."
        self.cell(
            width,
            size * 0.45,
            text,
            align="C" if centred else "L",
            new_x=XPos.LEFT,
            new_y=YPos.NEXT,
        )

    def _printable(self, text: str) -> str:
        """Returns a text with `?` for each letter that no font has."""
        if not self._unicode:
            return text.encode("latin-1", "replace").decode("latin-1")
        known = [font.cmap for font in self.fonts.values() if isinstance(font, TTFFont)]
        return "".join(c if any(ord(c) in cmap for cmap in known) else "?" for c in text)

    def _code(self, slip: Slip, x: float, y: float) -> None:
        """Draw the QR code of a slip, row by row."""
        matrix = slip.code.matrix
        module = _CODE / (len(matrix) + 2 * _QUIET)
        self.set_fill_color(0, 0, 0)
        for row, bits in enumerate(matrix):
            column = 0
            while column < len(bits):
                start = column
                while column < len(bits) and bits[column]:
                    column += 1
                if column > start:
                    self.rect(
                        x + (start + _QUIET) * module,
                        y + (row + _QUIET) * module,
                        (column - start) * module,
                        module,
                        style="F",
                    )
                column += 1
