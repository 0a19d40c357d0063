"""Notices of a server to its user, shown as notifications in JupyterLab."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Notice", "Notices"]

#: Older notices are dropped.
_KEPT = 50
#: JupyterLab truncates longer messages.
LONGEST = 140

Button = Literal["", "keep", "size", "read", "open", "share"]
"""The button of a notice: keep the server running, choose another size, dismiss a message, open a
file, or agree to show one's progress.

Notices with `keep`, `read` and `share` are shown again after a reload of the page.
"""


@dataclass(frozen=True)
class Notice:
    """One message."""

    id: int
    topic: str
    """A new notice of the same topic replaces the old one."""
    level: Literal["info", "warning", "error"]
    text: str
    """What happened, in at most `LONGEST` characters."""
    details: str = ""
    """What it means and what to do; shown on request."""
    button: Button = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    """What the button is about, such as the number of a message."""


@dataclass
class Notices:
    """The notices of one run of the server, and the path of its landing page."""

    landing: str = ""
    """Path of the page to open, as in JupyterLab's file browser; empty: none."""
    start: str = field(default_factory=lambda: secrets.token_hex(8))
    """Identifies this run of the server, so that a reloaded page knows what it has shown."""
    current: list[Notice] = field(default_factory=list)
    poll: int = 30
    """Seconds after which an open page asks again."""
    _last: int = 0

    def add(
        self,
        topic: str,
        level: Literal["info", "warning", "error"],
        text: str,
        *,
        details: str = "",
        button: Button = "",
        arguments: dict[str, Any] | None = None,
    ) -> None:
        """Say something once."""
        if len(text) > LONGEST:
            # Nothing is lost: the details then start with the whole text.
            details = f"{text} {details}".strip()
            text = text[: LONGEST - 1] + "…"
        self._last += 1
        self.current.append(
            Notice(self._last, topic, level, text, details, button, arguments or {})
        )
        del self.current[:-_KEPT]

    def withdraw(self, topic: str) -> None:
        """Withdraw a notice that is no longer true."""
        self.current = [notice for notice in self.current if notice.topic != topic]

    def model(self) -> dict[str, Any]:
        """Returns everything, as sent to the page."""
        return {
            "start": self.start,
            "landing": self.landing,
            "poll": self.poll,
            "notices": [asdict(notice) for notice in self.current],
        }
