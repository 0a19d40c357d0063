"""`POST /hub/api/workshops`: a participant's server reports, and gets what teachers sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from tornado import web

from km3hub.login.data_token import covers
from km3hub.teaching.desk import Desk, of_user
from km3hub.teaching.groups import attended
from km3hub.teaching.store import TeachingError

__all__ = ["ServerHandler", "WorkshopsHandler"]

#: Longest time in seconds that a request waits for news.
_HOLD = 60.0
#: Seconds after which a server without a workshop asks again, because groups change.
_NO_WORKSHOP = 300
#: Longest body of a report, in bytes.
_LONGEST = 64 * 1024


class ServerHandler(APIHandler):
    """A request that only the server of a participant may send, with its own API token."""

    desk: Desk

    def initialize(self, desk: Callable[[], Desk]) -> None:
        """Keep the desk."""
        self.desk = desk()

    def require_server(self) -> Any:
        """Returns the user whose server sent the request.

        Raises
        ------
        tornado.web.HTTPError
            403 for everybody else.
        """
        user = self.current_user
        # Only a user's own server has the scope to report activity (login/data_token.py).
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        return user

    def workshops_of(self, user: Any) -> list[str]:
        """Returns the workshops that a user participates in."""
        return attended(group.name for group in user.groups)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer 503 with a sentence where the database cannot be used."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, TeachingError):
            self.log.error("Workshops: %s", error)
            status_code = 503
            self.set_status(503)
            kwargs["exc_info"] = (web.HTTPError, web.HTTPError(503, "Try again later."), None)
        super().write_error(status_code, **kwargs)


class WorkshopsHandler(ServerHandler):
    """The report of a server. The answer waits for news, if the server knows the last answer.

    The request is `{"version": V, "hold": SECONDS, "memory": {"used": BYTES, "limit": BYTES or
    null}, "read": [MESSAGE, ...], "arrived": [{"file": FILE, "place": PATH}, ...],
    "agreed": {WORKSHOP: true or false}, "place": {"path": PATH, "cell": NUMBER}}`; all of it is
    optional. The answer is `{"version": V,
    "workshops": [...], "again": SECONDS}`, with the time after which to ask again.
    """

    async def post(self) -> None:
        """Take the report and answer."""
        user = self.require_server()
        if len(self.request.body) > _LONGEST:
            raise web.HTTPError(413, "The report is too long.")
        body = self.get_json_body()
        if not isinstance(body, dict):
            raise web.HTTPError(400, "Send a JSON object.")
        workshops = self.workshops_of(user)
        self._take(user.name, workshops, body)
        known, hold = body.get("version"), _number(body.get("hold"), most=_HOLD)
        try:
            answer = await self._wait_for_news(user.name, workshops, known, hold)
        except asyncio.CancelledError:
            return  # the server has hung up
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(answer))

    async def _wait_for_news(
        self, user: str, workshops: list[str], known: object, hold: float
    ) -> dict[str, Any]:
        """Returns the news when they differ from the version that is known, or time is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + hold
        with self.desk.bell.listening([*workshops, of_user(user)]) as rung:
            while True:
                rung.clear()
                answer = self._news(user, workshops)
                left = until - loop.time()
                if not workshops or answer["version"] != known or left <= 0:
                    return answer
                self._waiting = asyncio.ensure_future(rung.wait())
                try:
                    await asyncio.wait_for(self._waiting, left)
                except TimeoutError:
                    pass
                finally:
                    self._waiting = None

    _waiting: asyncio.Future[Any] | None = None

    def on_connection_close(self) -> None:
        """Stop waiting when the server hangs up."""
        if self._waiting is not None:
            self._waiting.cancel()
        super().on_connection_close()

    def _take(self, user: str, workshops: list[str], body: dict[str, Any]) -> None:
        if not workshops:
            return
        memory = body.get("memory")
        if isinstance(memory, dict):
            limit = memory.get("limit")
            used = int(_number(memory.get("used"), most=1e15))
            self.desk.remember(user, used, None if limit is None else int(_number(limit, 1e15)))
        read = body.get("read")
        if isinstance(read, list):
            numbers = [number for number in read[:100] if _is_id(number)]
            for name in workshops if numbers else ():
                self.desk.messages.dismiss(name, user, numbers)
        self._take_progress(user, workshops, body)
        arrived = body.get("arrived")
        for one in arrived[:100] if isinstance(arrived, list) else ():
            if isinstance(one, dict) and _is_id(one.get("file")):
                for name in workshops:
                    place = str(one.get("place", ""))
                    self.desk.material.arrived(name, user, one["file"], place)
        if read or arrived or body.get("agreed"):
            # The other request of this server learns that it has changed.
            self.desk.bell.ring(of_user(user))

    def _take_progress(self, user: str, workshops: list[str], body: dict[str, Any]) -> None:
        answers = body.get("agreed")
        for name, agreed in answers.items() if isinstance(answers, dict) else ():
            if name in workshops and isinstance(agreed, bool):
                self.desk.progress.answer(name, user, agreed=agreed)
        place = body.get("place")
        if isinstance(place, dict) and isinstance(place.get("path"), str):
            cell = int(_number(place.get("cell"), most=100_000)) or None
            for name in workshops:
                self.desk.progress.report(name, user, place["path"], cell)

    def _news(self, user: str, workshops: list[str]) -> dict[str, Any]:
        found = [{"name": name, **self._of(user, name)} for name in workshops]
        digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
        return {
            "version": digest[:16],
            "workshops": found,
            "again": 0 if workshops else _NO_WORKSHOP,
        }

    def _of(self, user: str, workshop: str) -> dict[str, Any]:
        messages = self.desk.messages.unread(workshop, user)
        return {
            "messages": [
                {"id": one.id, "sender": one.sender, "text": one.text, "sent": one.sent}
                for one in messages
            ],
            "files": [
                {
                    "id": one.id,
                    "name": one.name,
                    "sha256": one.sha256,
                    "bytes": one.bytes,
                    "read_only": one.read_only,
                }
                for one in self.desk.material.missing(workshop, user)
            ],
            "progress": self.desk.progress.answer_of(workshop, user),
            "collections": [
                {"id": one.id, "path": one.path} for one in self.desk.collecting.due(workshop, user)
            ],
        }


def _number(value: object, most: float) -> float:
    """Returns a number of a report, between 0 and `most`; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        return 0.0
    return float(min(value, most))


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62
