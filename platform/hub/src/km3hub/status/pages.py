"""`GET /hub/status` and `/hub/status.json`: public, without personal data."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HealthCheckHandler

from km3hub.login.front import advice
from km3hub.status.history import Span
from km3hub.status.watch import Watch

__all__ = ["StatusHandler", "StatusJsonHandler", "summary"]

TITLES = {
    "hub": "Login and pages",
    "servers": "Starting servers",
    "broker": "Access to the container engine",
    "homes": "Users' files",
    "data": "Open Data Center and Virtual Observatory",
    "robots": "Tutorials and data, as robots try them",
}
#: Interruptions that the page lists.
LISTED = 10


def summary(watch: Watch) -> dict[str, Any]:
    """Returns the content of both pages: the services with their state, and the interruptions."""
    now = watch.clock()
    history = watch.history
    services = []
    interruptions = []
    for name in history.spans:
        title = TITLES.get(name, name)
        latest = history.latest(name, now)
        minutes = history.downtime(name, now) / 60
        services.append(
            {
                "name": name,
                "title": title,
                "works": latest.works if latest else None,
                "said": latest.message if latest else "Not checked yet.",
                "since": _iso(latest.start) if latest else None,
                "interrupted_minutes": round(minutes, 1),
                "day": history.cells(name, now),
            }
        )
        for span in history.failures(name, now):
            interruptions.append({"title": title, **_interruption(span, span is latest)})
    interruptions.sort(key=lambda one: one["start"], reverse=True)
    works = [service["works"] for service in services]
    return {
        "time": _iso(now),
        "works": None if None in works or not works else all(works),
        "services": services,
        "interruptions": interruptions[:LISTED],
    }


class StatusHandler(BaseHandler):
    """The page for people."""

    def initialize(self, watch: Callable[[], Watch]) -> None:
        """Keep the watch."""
        self._watch = watch()

    async def get(self) -> None:
        """Answer with the results of the last check."""
        self.set_header("Cache-Control", "no-store")
        user = self.current_user
        page = await self.render_template(
            "status.html",
            status=summary(self._watch),
            front_servers=_front_servers(self),
            # Addresses are for administrators only.
            front_advice=[advice(a) for a in _front_servers(self)] if user and user.admin else [],
        )
        self.finish(page)


class StatusJsonHandler(HealthCheckHandler):
    """The same for programs, without login or database access."""

    def initialize(self, watch: Callable[[], Watch]) -> None:
        """Keep the watch."""
        self._watch = watch()

    async def prepare(self) -> None:
        """Skip authentication: the answer is the same for everybody."""

    def get_content_type(self) -> str:
        """JSON."""
        return "application/json"

    def get(self) -> None:
        """Answer with the results of the last check."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        content = summary(self._watch)
        content["untrusted_proxy"] = bool(_front_servers(self))
        self.write(json.dumps(content))

    head = get


def _front_servers(handler: Any) -> list[str]:
    """Returns the web servers in front that `login.trusted_proxies` does not name."""
    front = getattr(handler.authenticator, "front", None)
    return list(front.found) if front else []


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _interruption(span: Span, lasts: bool) -> dict[str, Any]:
    return {
        "start": _iso(span.start),
        "end": None if lasts else _iso(span.end),
        "minutes": round((span.end - span.start) / 60, 1),
        "said": span.message,
    }
