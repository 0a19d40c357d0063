"""Names of users on this platform, made of what a provider calls them."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

from km3hub.login.accounts import LONGEST_NAME, NAME_PATTERN

__all__ = ["hub_name"]

#: 80 bits of SHA-256 in letters and digits: nobody finds a second name with the same ones.
_DIGITS = 16
_READABLE = LONGEST_NAME - _DIGITS - 1
#: How a made name ends. Names of people that look so are made, too: else somebody could call
#: himself as somebody else's made name.
_MADE = re.compile(rf"-[a-z2-7]{{{_DIGITS}}}$")


def hub_name(claim: str) -> str:
    """The user's name here: fit for folders, volumes and containers, the same for ever.

    A name of up to 32 small letters, digits and '-' that starts with a letter stays as it is. Any
    other becomes something readable and a checksum: `Ada.Lovelace` is `ada-lovelace-...`, and
    `<64 digits>@egi.eu` is `egi-...`. Claims that differ in any sign, capitals too, are different
    users.
    """
    if re.fullmatch(NAME_PATTERN, claim) and not _MADE.search(claim):
        return claim
    digest = hashlib.sha256(claim.encode("utf-8", "surrogatepass")).digest()
    return f"{_readable(claim)}-{base64.b32encode(digest)[:_DIGITS].decode().lower()}"


def _readable(claim: str) -> str:
    local, _, domain = claim.partition("@")
    # Identifiers are nothing to read; where they come from may be.
    if re.fullmatch(r"[0-9a-fA-F-]{20,}", local):
        local = domain.partition(".")[0]
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")
    return words[:_READABLE].strip("-") or "user"
