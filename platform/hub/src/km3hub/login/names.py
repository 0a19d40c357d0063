"""User names on this platform, derived from a provider's claim."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

from km3hub.login.accounts import LONGEST_NAME, NAME_PATTERN

__all__ = ["hub_name"]

#: 80 bits of SHA-256 in letters and digits: a second claim with the same ones cannot be found.
_DIGITS = 16
_READABLE = LONGEST_NAME - _DIGITS - 1
#: The end of a derived name. A claim that looks like this gets a derived name, too; otherwise a
#: user could choose another user's derived name.
_MADE = re.compile(rf"-[a-z2-7]{{{_DIGITS}}}$")


def hub_name(claim: str) -> str:
    """Returns the permanent user name, valid for folders, volumes and containers.

    A claim of up to 32 lower-case letters, digits and '-' that starts with a letter is the name.
    Any other becomes a readable part and a checksum: `Ada.Lovelace` is `ada-lovelace-...`, and
    `<64 digits>@egi.eu` is `egi-...`. Claims that differ in any character, or in
    case, are different users.
    """
    if re.fullmatch(NAME_PATTERN, claim) and not _MADE.search(claim):
        return claim
    digest = hashlib.sha256(claim.encode("utf-8", "surrogatepass")).digest()
    return f"{_readable(claim)}-{base64.b32encode(digest)[:_DIGITS].decode().lower()}"


def _readable(claim: str) -> str:
    local, _, domain = claim.partition("@")
    # An identifier is not readable, but its domain may be.
    if re.fullmatch(r"[0-9a-fA-F-]{20,}", local):
        local = domain.partition(".")[0]
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")
    return words[:_READABLE].strip("-") or "user"
