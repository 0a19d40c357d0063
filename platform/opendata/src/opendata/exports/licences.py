"""Licences by their SPDX identifiers."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from opendata.records.credit import web_address

_PAGES = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "BSD-3-Clause": "https://opensource.org/license/bsd-3-clause",
    "MIT": "https://opensource.org/license/mit",
}
_NAMES = {page.partition("://")[2].rstrip("/"): name for name, page in _PAGES.items()}


@dataclass(frozen=True)
class Licence:
    """A licence.

    Attributes
    ----------
    text : str
        As it was written.
    spdx : str or None
        Its identifier, or the expression of several; None if SPDX does not know it.
    url : str or None
        Its page; None where there is no single one.
    """

    text: str
    spdx: str | None
    url: str | None


def licence(text: str | None) -> Licence | None:
    """Returns the licence for a name, SPDX expression or address; None for an empty text."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        address = web_address(text)
    except ValueError:
        pass
    else:
        bare = address.partition("://")[2].removeprefix("www.").rstrip("/")
        named = _NAMES.get(bare.removesuffix("/legalcode").removesuffix("/deed.en").rstrip("/"))
        return Licence(text, named, address)
    try:
        spdx = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return Licence(text, None, None)
    if " " in spdx or spdx.startswith("LicenseRef-"):
        return Licence(text, spdx, None)
    return Licence(text, spdx, _PAGES.get(spdx, f"https://spdx.org/licenses/{spdx}.html"))


def licence_url(text: str | None) -> str:
    """Returns the address of a licence's text; empty if there is none."""
    found = licence(text)
    return found.url or "" if found else ""
