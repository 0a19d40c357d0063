"""How full home and scratch folder are, according to the hub, and the warnings about it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from km3lab.home import amount

if TYPE_CHECKING:
    from logging import Logger

    from km3lab.notices import Notices
    from km3lab.surroundings import Surroundings

__all__ = ["INTERVAL", "Fullness"]

#: Seconds between two requests, and how long one may take.
INTERVAL, _TIMEOUT = 30.0, 20.0
#: Shares of the limit at which to warn, and how much less is enough to withdraw a warning.
_WARN, _ALARM, _LESS = 0.80, 0.95, 0.03

_WORDS = {"home": "Your home", "scratch": "Your scratch folder"}
_DETAILS = {
    "home": "When it is full no more files can be saved. Delete files that you do not need: in a"
    " terminal, `du -ah ~ | sort -h | tail -20` shows the largest.",
    "scratch": "When it is full no more files can be saved there. In a terminal,"
    " `du -ah /scratch | sort -h | tail -20` shows the largest files.",
}


class Fullness:
    """Asks the hub every half minute; limits may change while the server runs.

    Parameters
    ----------
    around
        The server's surroundings.
    notices
        Where the user is warned.
    log
        Where trouble goes.
    """

    def __init__(self, around: Surroundings, notices: Notices, log: Logger) -> None:
        self._contact = around.contact
        self._notices = notices
        self._log = log
        self._levels: dict[str, int] = {}
        self._reported = False
        self.known = False
        """Whether the hub has said how full the home is."""
        self.uses: dict[str, tuple[int, int]] = {}
        """Bytes used and their limit, of the folders that have one."""

    async def look(self) -> None:
        """Ask once, and warn where it is time to."""
        request = HTTPRequest(
            f"{os.environ['JUPYTERHUB_API_URL']}/home-use",
            headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
            request_timeout=_TIMEOUT,
        )
        try:
            answer = json.loads((await AsyncHTTPClient().fetch(request)).body)
            uses = {kind: (int(u["used"]), int(u["limit"] or 0)) for kind, u in answer.items()}
        except (HTTPClientError, OSError, ValueError, KeyError, TypeError) as error:
            if not self._reported:
                self._log.info("How full the home is is unknown: %s", error)
            self._reported = True
            return
        self._reported = False
        for kind, (used, limit) in uses.items():
            if kind in _WORDS and limit:
                self.known = True
                self.uses[kind] = (used, limit)
                self.tell(kind, used, limit)

    def tell(self, kind: str, used: int, limit: int) -> None:
        """Show, change or withdraw the warning about one folder.

        Parameters
        ----------
        kind
            `home` or `scratch`.
        used, limit
            Bytes.
        """
        share, before = used / limit, self._levels.get(kind, 0)
        level = (share >= _WARN) + (share >= _ALARM)
        if level < before and share > (_WARN, _ALARM)[before - 1] - _LESS:
            return
        if level == before:
            return
        self._levels[kind] = level
        topic = f"space-{kind}"
        self._notices.withdraw(topic)
        if not level:
            return
        left = max(0, limit - used)
        state = f"is {share:.0%} full".replace("%", " %") if left >= 1 << 20 else "is full"
        more = f" If you need more space, ask {self._contact}." if self._contact else ""
        self._notices.add(
            topic,
            "warning" if level == 1 else "error",
            f"{_WORDS[kind]} {state}: {amount(left)} of {amount(limit)} left.",
            details=_DETAILS[kind] + more,
        )
