"""Pages from HTML."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import weasyprint
from weasyprint.urls import URLFetcher, URLFetcherResponse

from km3pdf import formulas, lines, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["draw"]

#: Seconds to wait for a picture from the network.
NETWORK_SECONDS = 5


def draw(html: bytes, base: str) -> bytes:
    """Return the PDF of a page of HTML.

    Parameters
    ----------
    html
        The page, in UTF-8.
    base
        Where its relative addresses start.
    """
    document = weasyprint.HTML(
        file_obj=io.BytesIO(html), encoding="utf-8", base_url=base, url_fetcher=Pictures()
    )
    formulas.draw(document.etree_element)
    lines.allow_breaks(document.etree_element)
    tables.fit(document.etree_element)
    return bytes(document.write_pdf())


class Pictures(URLFetcher):
    """Fetches what a page shows; gives up on the network at the first silence.

    Where packets to the world are dropped, each picture would wait for its own time limit.
    """

    def __init__(self) -> None:
        super().__init__(
            timeout=NETWORK_SECONDS, allowed_protocols=("data", "file", "http", "https")
        )
        self._silent = False

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Return what is at an address; WeasyPrint shows the text of a picture that fails."""
        remote = url.lower().startswith("http")
        if remote and self._silent:
            raise OSError("no answer from the network")
        try:
            return super().fetch(url, headers)
        except OSError as error:
            # An HTTP error is an answer.
            self._silent = remote and not hasattr(error, "code")
            raise
