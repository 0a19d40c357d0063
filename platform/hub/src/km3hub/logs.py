"""The hub's own log: one JSON line per event, with the request and its user where there is one."""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.log import coroutine_traceback
from structlog.processors import ExceptionRenderer

from km3settings.logs import JsonLines

__all__ = ["HubLines", "bind_requests"]


class HubLines(JsonLines):
    """Formats the hub's records; tracebacks are without the frames of the event loop."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(exceptions=ExceptionRenderer(_traceback))


def _traceback(exc_info: Any) -> str:
    return "".join(coroutine_traceback(*exc_info)).rstrip()


def bind_requests() -> None:
    """Give each request an identifier; what is logged during the request has it, and the user.

    The user is the one who sent the request: for an admin who starts another user's server, the
    admin.
    """
    prepare = BaseHandler.prepare
    if hasattr(prepare, "bound"):
        return

    async def bound(self: Any) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=uuid.uuid4().hex[:12])
        try:
            await prepare(self)
        finally:
            # Not `current_user`, which raises where the request was refused before it was known.
            user = getattr(self, "_jupyterhub_user", None)
            if user is not None:
                structlog.contextvars.bind_contextvars(user=user.name)

    bound.bound = True  # type: ignore[attr-defined]
    BaseHandler.prepare = bound
