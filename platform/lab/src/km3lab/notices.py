"""What a server tells its user through notifications in JupyterLab."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Notice", "Notices"]

#: Older notices are dropped.
_KEPT = 50
#: JupyterLab cuts what is longer.
LONGEST = 140

Button = Literal["", "keep", "size"]
"""What a notice offers: to keep the server running, or to go where its size is chosen."""


@dataclass(frozen=True)
class Notice:
    """One message."""

    id: int
    topic: str
    """A new notice of a standing topic takes the place of the old one."""
    level: Literal["info", "warning", "error"]
    text: str
    """What happened, in `LONGEST` characters."""
    details: str = ""
    """What it means and what to do; shown on request."""
    button: Button = ""


@dataclass
class Notices:
    """The messages of one run of the server, and where its landing page is."""

    landing: str = ""
    """Path of the page to open, as JupyterLab's file browser names it; empty: none."""
    start: str = field(default_factory=lambda: secrets.token_hex(8))
    """Names this run of the server: a page that reloads knows what it has shown."""
    current: list[Notice] = field(default_factory=list)
    _last: int = 0

    def add(
        self,
        topic: str,
        level: Literal["info", "warning", "error"],
        text: str,
        *,
        details: str = "",
        button: Button = "",
    ) -> None:
        """Say something once."""
        if len(text) > LONGEST:
            # Nothing is lost: the details then start with the whole.
            details = f"{text} {details}".strip()
            text = text[: LONGEST - 1] + "…"
        self._last += 1
        self.current.append(Notice(self._last, topic, level, text, details, button))
        del self.current[:-_KEPT]

    def withdraw(self, topic: str) -> None:
        """Withdraw a notice that is no longer true."""
        self.current = [notice for notice in self.current if notice.topic != topic]

    def model(self) -> dict[str, Any]:
        """All of it, as the page gets it."""
        return {
            "start": self.start,
            "landing": self.landing,
            "notices": [asdict(notice) for notice in self.current],
        }
