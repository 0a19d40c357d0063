"""The user's CPU quota, from the hub: on the landing page and in notices."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from logging import Logger

    from km3lab.notices import Notices

__all__ = ["Quota", "QuotaReports", "ask_once"]

#: Seconds between two reports.
INTERVAL = 60
#: Seconds that the hub may take.
_TIMEOUT = 10
#: The same while the server is starting, which must not wait for it.
_START_TIMEOUT = 2
#: Shares of the quota at which the user is warned.
_WARN, _URGENT = 0.8, 0.95


@dataclass(frozen=True)
class Quota:
    """What the hub says of the quota."""

    share: float
    """The part that was used; 1 and more: all of it."""
    sentence: str
    """What remains and when it renews, for the user."""
    stops: datetime | None = None
    """When this server is stopped because the quota is used up."""

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Self | None:
        """Returns the quota in an answer of the hub; None: the user has none.

        Raises
        ------
        ValueError, KeyError, TypeError
            Where the answer cannot be understood.
        """
        quota = answer["quota"]
        if quota is None:
            return None
        stops = answer.get("stops")
        return cls(
            share=float(quota["used"]) / float(quota["limit"]),
            sentence=str(quota["sentence"]),
            stops=datetime.fromisoformat(stops) if stops else None,
        )


def ask_once() -> Quota | None:
    """Returns the quota, for the landing page; None where there is none or the hub is silent."""
    if not os.environ.get("JUPYTERHUB_API_TOKEN"):
        return None
    # Imported here: a server without a hub needs none of it.
    from urllib.request import ProxyHandler, Request, build_opener

    url, headers, body = _request(kernel_busy=False)
    request = Request(url, data=body, headers=headers)  # noqa: S310 -- the hub's own address
    try:
        # Never by a web proxy, which does not lead to the hub.
        with build_opener(ProxyHandler({})).open(request, timeout=_START_TIMEOUT) as answer:
            return Quota.of(json.load(answer))
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return None


def _request(*, kernel_busy: bool) -> tuple[str, dict[str, str], bytes]:
    return (
        f"{os.environ['JUPYTERHUB_API_URL']}/usage",
        {
            "Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}",
            "Content-Type": "application/json",
        },
        json.dumps({"kernel_busy": kernel_busy}).encode(),
    )


class QuotaReports:
    """Reports busy kernels to the hub, and warns the user when the quota runs out.

    Parameters
    ----------
    kernel_busy
        Whether a kernel is busy.
    notices
        Where the user is warned.
    log
        The server's log.
    """

    def __init__(self, kernel_busy: Callable[[], bool], notices: Notices, log: Logger) -> None:
        self._kernel_busy = kernel_busy
        self._notices = notices
        self._log = log
        self._shown = ""

    async def keep(self) -> None:
        """Report for ever."""
        while True:
            await self.report()
            await asyncio.sleep(INTERVAL)

    async def report(self) -> None:
        """Report once, and show what the hub answers."""
        from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

        url, headers, body = _request(kernel_busy=self._kernel_busy())
        request = HTTPRequest(
            url, method="POST", headers=headers, body=body, request_timeout=_TIMEOUT
        )
        try:
            answer = json.loads((await AsyncHTTPClient().fetch(request)).body)
            self.show(Quota.of(answer))
        except HTTPClientError as error:
            # 404: a hub of an earlier version.
            if error.code != 404:
                self._log.warning("The hub did not take the report of usage: %s", error)
        except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
            self._log.warning("The hub did not take the report of usage: %s", error)

    def show(self, quota: Quota | None) -> None:
        """Show a notice where little of the quota remains, once for each stage."""
        stage = _stage(quota)
        if stage == self._shown:
            return
        self._notices.withdraw("quota")
        self._shown = stage
        if quota is None or not stage:
            return
        if quota.stops:
            text = f"Your CPU hours are used up. This server stops at {quota.stops:%H:%M} UTC."
            details = (
                f"{quota.sentence} Save your work. Your files are kept; data in the memory of"
                " kernels are lost."
            )
            self._notices.add("quota", "error", text, details=details)
            return
        level: Literal["warning", "error"] = "warning" if stage == "warn" else "error"
        details = "Shut down kernels that you do not need (the tab Running on the left)."
        self._notices.add("quota", level, quota.sentence, details=details)


def _stage(quota: Quota | None) -> str:
    if quota is None:
        return ""
    if quota.stops:
        return f"stops {quota.stops}"
    if quota.share >= 1:
        return "used up"
    if quota.share >= _URGENT:
        return "urgent"
    return "warn" if quota.share >= _WARN else ""
