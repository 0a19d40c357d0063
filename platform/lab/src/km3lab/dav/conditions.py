"""The header `If` of WebDAV (RFC 4918, section 10.4), and those of HTTP (RFC 9110, section 13)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from km3lab.dav.errors import DavError

__all__ = ["If", "matches"]

_PARTS = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|<(?P<uri>[^<>\s]*)>|\[(?P<etag>[^\]]*)\]
    |(?P<negated>Not)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
#: A longer header is nobody's.
_LONGEST = 8192


@dataclass
class If:
    """A header `If`: lists of conditions, of which one has to hold."""

    tokens: set[str] = field(default_factory=set)
    """The lock tokens that the program has."""
    lists: list[tuple[str, list[tuple[bool, str, bool]]]] = field(default_factory=list)
    """For each list the address that it is about, empty for that of the request, and its
    conditions: whether negated, the token or tag, and whether it is a tag."""

    @classmethod
    def read(cls, header: str) -> Self:
        """Returns the conditions of a header; an empty one has none.

        Raises
        ------
        DavError
            400 where it cannot be understood.
        """
        self = cls()
        wrong = DavError(400, "The header If cannot be understood.")
        if len(header) > _LONGEST:
            raise wrong
        about, negated, inside, place = "", False, False, 0
        header = header.strip()
        while place < len(header):
            found = _PARTS.match(header, place)
            if found is None:
                raise wrong
            place = found.end()
            if found["open"] and not inside:
                inside = True
                self.lists.append((about, []))
            elif found["close"] and inside and self.lists[-1][1]:
                inside = False
            elif found["negated"] and inside:
                negated = True
                continue
            elif inside and (found["uri"] is not None or found["etag"] is not None):
                tag = found["uri"] is None
                text = found["etag"] if tag else found["uri"]
                self.lists[-1][1].append((negated, text, tag))
                if not tag:
                    self.tokens.add(text)
            elif found["uri"] is not None and not inside:
                about = found["uri"]
            else:
                raise wrong
            negated = False
        if inside or (header and not self.lists):
            raise wrong
        return self

    def holds(self, state: Callable[[str], tuple[str, set[str]]]) -> bool:
        """Whether the request may go on.

        Parameters
        ----------
        state
            The tag (empty: no file) and the lock tokens of an address.
        """
        if not self.lists:
            return True
        for about, conditions in self.lists:
            etag, tokens = state(about)
            if all((text == etag if tag else text in tokens) != no for no, text, tag in conditions):
                return True
        return False


def matches(header: str, etag: str) -> bool:
    """Whether a header `If-Match` or `If-None-Match` names a tag; `*` names every file's.

    `etag` is empty where there is no file.
    """
    if header.strip() == "*":
        return bool(etag)
    return bool(etag) and etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
