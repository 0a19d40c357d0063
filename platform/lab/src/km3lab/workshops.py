"""What this server exchanges with the hub during a workshop: messages, files, progress.

One request at a time waits at the hub for news (`POST /hub/api/workshops`), so that a message
arrives within a second and a hundred servers cost the hub two requests a second.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.httpclient import HTTPClientError

from km3lab.hub import ask, fetch, post
from km3lab.material import NotCollectedError, PublishedFile, collect, deliver

if TYPE_CHECKING:
    from logging import Logger

    from km3lab.notices import Notices

__all__ = ["Workshops"]

#: Seconds that the hub may hold a request, and that an answer may take beyond that.
HOLD, _GRACE = 60, 20
#: Seconds before the first and the last of repeated attempts.
_FIRST, _LAST = 1.0, 30.0
#: Seconds after which an open page asks for notices while its user is in a workshop.
_POLL = 10
_TOPIC, _PROGRESS = "message-", "progress-"
#: Bytes per second of random delay before a transfer, and seconds that a transfer may take.
_SPREAD, _TRANSFER = float(2 << 20), 120


class Workshops:
    """Keeps in contact with the hub.

    Parameters
    ----------
    notices
        Where the user sees messages.
    memory
        Returns the bytes in use and their limit; None: no limit.
    log
        The server's log.
    home
        Where files are exchanged; None: it cannot be written.
    place
        Returns which notebook and cell the user has reached; only called after the user agreed.
    """

    def __init__(
        self,
        notices: Notices,
        memory: Callable[[], tuple[int, int | None]],
        log: Logger,
        home: Path | None,
        place: Callable[[], Awaitable[dict[str, Any] | None]],
    ) -> None:
        self._notices = notices
        self._home = home
        self._place = place
        self._agreed: dict[str, bool] = {}
        self._shows_place = False
        self._arrived: list[dict[str, object]] = []
        self._memory = memory
        self._log = log
        self._version = ""
        self._read: set[int] = set()
        self._wake = asyncio.Event()

    async def keep(self) -> None:
        """Report for ever: wait for news, and pass on at once what the user decides."""
        answers = asyncio.ensure_future(self._pass_on_answers())
        pause = _FIRST
        try:
            while True:
                try:
                    again = await self.report(hold=HOLD / 2 if self._shows_place else HOLD)
                except HTTPClientError as error:
                    if error.code == 404:  # a hub of an earlier version
                        return
                    again, pause = self._after_failure(error, pause)
                except (OSError, ValueError, KeyError, TypeError) as error:
                    again, pause = self._after_failure(error, pause)
                else:
                    pause = _FIRST
                await asyncio.sleep(again)
        finally:
            answers.cancel()

    async def _pass_on_answers(self) -> None:
        """Send what the user decides while the other request waits; that one then returns."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.report()
            except (HTTPClientError, OSError, ValueError, KeyError, TypeError) as error:
                # The next report contains it, too.
                self._log.info("km3lab.workshops: the hub did not take an answer: %s", error)

    def _after_failure(self, error: Exception, pause: float) -> tuple[float, float]:
        self._log.info("km3lab.workshops: the hub did not take the report: %s", error)
        # Spread out, so that a hundred servers do not ask a restarted hub at the same moment.
        return pause * random.uniform(0.5, 1.5), min(_LAST, 2 * pause)  # noqa: S311

    async def report(self, *, hold: float = 0) -> float:
        """Report once and show the answer; return after how many seconds to ask again."""
        used, limit = self._memory()
        read = set(self._read)
        arrived, agreed = list(self._arrived), dict(self._agreed)
        shows = self._shows_place and all(agreed.values())
        report = {
            "version": self._version,
            "hold": hold,
            "memory": {"used": used, "limit": limit},
            "read": sorted(read),
            "arrived": arrived,
            "agreed": agreed,
            "place": await self._place() if shows else None,
        }
        answer = await ask("workshops", report, seconds=hold + _GRACE)
        self._read -= read
        self._arrived = self._arrived[len(arrived) :]
        self._agreed = {k: v for k, v in self._agreed.items() if agreed.get(k) != v}
        again = float(answer["again"])
        workshops = answer["workshops"]
        self._show(workshops)
        self._ask_for_progress(workshops)
        self._version = str(answer["version"])
        self._notices.poll = _POLL if workshops else 30
        # One request at a time exchanges files.
        if self._home is not None and hold:
            for workshop in workshops:
                try:
                    await self._exchange(self._home, workshop)
                except (HTTPClientError, OSError, ValueError, KeyError, TypeError) as error:
                    # It is tried again after the next answer of the hub, within a minute.
                    self._log.warning("km3lab.workshops: a file was not exchanged: %s", error)
        return again

    async def _exchange(self, home: Path, workshop: dict[str, Any]) -> None:
        name = str(workshop["name"])
        for file in workshop["files"]:
            await self._get(home, name, file)
        for collection in workshop["collections"]:
            await self._hand_in(home, name, collection)

    async def _get(self, home: Path, workshop: str, file: dict[str, Any]) -> None:
        """Get a published file; a failure is tried again with the next report."""
        number, name = int(file["id"]), str(file["name"])
        # A hundred servers must not get a large file at the same moment.
        await asyncio.sleep(random.uniform(0, file["bytes"] / _SPREAD))  # noqa: S311
        answer = await fetch(f"workshops/{workshop}/files/{number}", seconds=_TRANSFER)
        published = PublishedFile(workshop, name, answer.body, bool(file["read_only"]))
        if published.sha256 != file["sha256"]:
            raise ValueError(f"{name} arrived damaged")
        topic = f"file-{number}"
        try:
            place = await asyncio.to_thread(deliver, home, published)
        except OSError as error:
            self._log.warning("km3lab.workshops: %s cannot be written: %s", name, error)
            if not any(notice.topic == topic for notice in self._notices.current):
                self._notices.add(
                    topic,
                    "warning",
                    f"{name}, which your teachers published, cannot be written to your home.",
                    details=f"The reason: {error.strerror}. It is tried again every minute.",
                )
            return
        self._arrived.append({"file": number, "place": place})
        self._notices.withdraw(topic)
        beside = (
            f" You have changed your {name}, so it was kept as it is."
            if Path(place).name != name
            else ""
        )
        self._notices.add(
            topic,
            "info",
            f"Your teachers published {name}.",
            details=f"It is in your home: {place}.{beside}",
            button="open",
            arguments={"path": place},
        )

    async def _hand_in(self, home: Path, workshop: str, collection: dict[str, Any]) -> None:
        number, path = int(collection["id"]), str(collection["path"])
        address = f"workshops/{workshop}/collections/{number}"
        try:
            content = await asyncio.to_thread(collect, home, path)
        except NotCollectedError as error:
            await post(address, {"trouble": error.trouble})
            return
        await asyncio.sleep(random.uniform(0, len(content) / _SPREAD))  # noqa: S311
        answer = await fetch(address, method="PUT", body=content, seconds=_TRANSFER)
        digest = json.loads(answer.body)["sha256"]
        now = datetime.now(UTC)
        self._notices.add(
            f"collected-{number}",
            "info",
            f"Your teachers collected {Path(path).name}, as it was saved at {now:%H:%M} UTC.",
            details=f"A copy of ~/{path} (SHA-256 {digest}). Your workshop's page on the hub lists"
            " everything that was collected from you.",
        )

    def dismiss(self, number: int) -> None:
        """Dismiss a message, also on the user's other pages; the hub learns of it."""
        self._notices.withdraw(f"{_TOPIC}{number}")
        self._read.add(number)
        self._wake.set()

    def answer(self, workshop: str, *, agreed: bool) -> None:
        """Let the user show their progress to the teachers of a workshop, or refuse."""
        self._notices.withdraw(f"{_PROGRESS}{workshop}")
        self._agreed[workshop] = agreed
        self._wake.set()

    def _ask_for_progress(self, workshops: list[dict[str, Any]]) -> None:
        answers = {str(one["name"]): one["progress"] for one in workshops}
        self._shows_place = "agreed" in answers.values()
        asked = {n for n, answer in answers.items() if answer == "asked" and n not in self._agreed}
        shown = {
            notice.topic.removeprefix(_PROGRESS)
            for notice in self._notices.current
            if notice.topic.startswith(_PROGRESS)
        }
        for name in shown - asked:
            self._notices.withdraw(f"{_PROGRESS}{name}")
        for name in sorted(asked - shown):
            self._notices.add(
                f"{_PROGRESS}{name}",
                "info",
                "Your teachers ask to see which tutorial and cell you have reached.",
                details="They would see the name of the notebook of the folders workshop and"
                " tutorials that you used last, the number of the cell that you ran last, and when."
                " Nothing of its content is sent, and nothing at all before you agree. You can stop"
                " it on the page of your workshop: File > Hub Control Panel > Workshop.",
                button="share",
                arguments={"workshop": name},
            )

    def _show(self, workshops: list[dict[str, Any]]) -> None:
        wanted = {int(one["id"]): one for workshop in workshops for one in workshop["messages"]}
        shown = {
            int(notice.topic.removeprefix(_TOPIC))
            for notice in self._notices.current
            if notice.topic.startswith(_TOPIC)
        }
        for number in shown - set(wanted):
            self._notices.withdraw(f"{_TOPIC}{number}")
        for number, one in sorted(wanted.items()):
            if number not in shown and number not in self._read:
                self._notices.add(
                    f"{_TOPIC}{number}",
                    "info",
                    f"{one['sender']} (teacher): {one['text']}",
                    button="read",
                    arguments={"message": number},
                )
