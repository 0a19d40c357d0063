"""Licences by their SPDX identifiers."""

from __future__ import annotations

_PAGES = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "BSD-3-Clause": "https://opensource.org/license/bsd-3-clause",
    "MIT": "https://opensource.org/license/mit",
}


def licence_url(name: str | None) -> str:
    """Return the page of a licence, empty for names that are none of SPDX."""
    if not name or " " in name:
        return ""
    return _PAGES.get(name, f"https://spdx.org/licenses/{name}.html")
