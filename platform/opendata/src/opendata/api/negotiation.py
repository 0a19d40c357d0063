"""Content negotiation (RFC 9110, section 12): which representation a client prefers.

The only place that reads `Accept`. Where the RFC leaves a choice:

- If the header is missing, empty or malformed throughout, the first offer is sent. In a header that
  is malformed in part, the valid elements count.
- Between offers of the same quality, one that the client names wins over one that a wildcard
  covers, then our own order decides.
- Parameters that are not offered (``profile``, ``version``, ``style``, ``level`` ...) are a
  preference: the client gets the type without them. Only UTF-8 is served, and `q=0` for another
  variant excludes that variant only.
- If nothing matches, 406 lists the offers. An address that names its format (``catalog.json``,
  ``bib``, a download) has one representation and ignores `Accept`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from webob.acceptparse import AcceptValidHeader, create_accept_header

from opendata.middleware import Middleware

#: Elements of a list; commas inside quoted strings do not separate them. An unterminated string
#: takes the rest, so that parsing is linear.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+', re.DOTALL)
#: Browsers send about ten; many more can only be meant to keep the server busy.
_MOST_ELEMENTS = 100
_LONGEST = 8192
_UTF8 = {"utf-8", "utf8", "us-ascii"}


def choose(header: str | None, offers: Sequence[str]) -> str | None:
    """Returns the offer that an `Accept` header prefers.

    Parameters
    ----------
    header : str, optional
        The value of the header; None if there is none.
    offers : sequence of str
        Media types in our order; a type with a parameter is a type of its own.

    Returns
    -------
    str or None
        One of the offers, None if none is acceptable.
    """
    accept = _understood(header or "", offers)
    if accept is None:
        return offers[0]
    found: list[tuple[str, float]] = accept.acceptable_offers(offers)
    if not found:
        return None
    best = max(quality for _, quality in found)
    named = {_canonical(element) for element in accept.parsed}
    equal = [offer for offer, quality in found if quality == best]
    return min(equal, key=lambda offer: _distance(offer, named))


def _canonical(element: tuple[str, float, list[tuple[str, str]], Any]) -> str:
    """Returns type and parameters in a canonical form."""
    text, _, parameters, _ = element
    rest = "".join(f';{name.lower()}="{value}"' for name, value in sorted(parameters))
    return text.partition(";")[0].strip().lower() + rest


def _distance(offer: str, named: set[str]) -> int:
    if _own(offer) in named:
        return 0
    return 1 if f"{offer.partition('/')[0]}/*" in named else 2


@lru_cache(maxsize=200)
def _own(offer: str) -> str:
    return _canonical(next(iter(create_accept_header(offer).parsed)))


def _understood(header: str, offers: Sequence[str]) -> AcceptValidHeader | None:
    """Returns the valid part of a header, in terms of the offers; None if there is none."""
    elements = []
    for text in _ELEMENT.findall(header[:_LONGEST])[:_MOST_ELEMENTS]:
        accept = create_accept_header(text.strip())
        if isinstance(accept, AcceptValidHeader):
            elements += list(accept.parsed)
    if not elements:
        return None
    offered = {_own(offer) for offer in offers}
    plain = {_canonical(element) for element in elements if not element[2]}
    kept = []
    for element in elements:
        text, quality, parameters, _ = element
        charset = {value.lower() for name, value in parameters if name.lower() == "charset"}
        if not parameters or _canonical(element) in offered or charset - _UTF8:
            kept.append(f"{text};q={quality}")
            continue
        simple = text.partition(";")[0].strip()
        # If the type itself is listed, its own quality counts.
        if quality > 0 and simple.lower() not in plain:
            kept.append(f"{simple};q={quality}")
    # If only variants were excluded that are not offered, everything else is acceptable.
    return create_accept_header(", ".join(kept) or "*/*")


def negotiate(request: HttpRequest, offers: Sequence[str]) -> str | None:
    """Returns the offer that a request prefers; its response gets ``Vary: Accept``."""
    request.negotiated = True  # type: ignore[attr-defined]
    return choose(request.headers.get("Accept"), offers)


def unacceptable(offers: Sequence[str]) -> dict[str, Any]:
    """Returns the content of a 406."""
    detail = f"None of the requested media types is available. Available: {', '.join(offers)}."
    return {"detail": detail, "available": list(offers)}


def not_acceptable(offers: Sequence[str]) -> JsonResponse:
    """Returns the response to a request that accepts none of the offers."""
    return JsonResponse(unacceptable(offers), status=406)


class Negotiation(DefaultContentNegotiation):
    """Chooses REST framework's renderers by the same rules."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Returns the renderer and its media type; ``?format=`` overrides `Accept`."""
        name = format_suffix or request.query_params.get("format")
        if name:
            renderer = self.filter_renderers(renderers, name)[0]
            return renderer, str(renderer.media_type)
        offers = {str(renderer.media_type): renderer for renderer in reversed(renderers)}
        wanted = negotiate(request._request, list(reversed(offers)))
        if wanted is None:
            raise NotAcceptable(available_renderers=renderers)
        return offers[wanted], wanted


class VaryByAccept(Middleware):
    """Tells caches which responses depend on `Accept`."""

    def on_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Add ``Vary: Accept`` where the request was negotiated."""
        if getattr(request, "negotiated", False):
            patch_vary_headers(response, ["Accept"])
