"""A receiver that follows the alert feed of an Open Data Center.

The contract of the feed
------------------------
``GET /alerts/feed.json`` answers with ``ETag`` (and 304 to a matching ``If-None-Match``)::

    {"alerts": [{"id": "ivo://km3net.org/VOEvent#KM3-240901A", "issued": "2024-09-01T12:01:00Z",
                 "role": "observation", "json": "/alerts/1.json", "voevent": "/alerts/1.xml"}],
     "next": null}

- ``alerts``, newest first; ``next`` is the address of the page with older ones, or null.
- ``id`` is unique for each record and never used again: an update has its own.
- ``role`` is VOEvent's: ``test`` must not trigger anything.
- ``json`` is the GCN notice, ``voevent`` the VOEvent; addresses may be relative to the page and
  are on the same server (scheme, host, port).
- Fields that are not named here may come and are ignored.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import httpx
from pydantic import BaseModel, Field, ValidationError

from openkm3.alerts.alert import Alert
from openkm3.alerts.documents import MAX_BYTES, parsed_json
from openkm3.alerts.errors import AlertError, problems_of
from openkm3.alerts.reading import read
from openkm3.errors import ServerError

log = logging.getLogger("openkm3.alerts")

MAX_PAGES = 1000
LONGEST_PAUSE = 300.0
REMEMBERED = 100_000


class FeedError(ServerError):
    """The address is not that of an alert feed."""


class Entry(BaseModel):
    """One alert of the feed."""

    id: str = Field(min_length=1)
    issued: str
    role: str
    notice: str = Field(alias="json")
    voevent: str


class Page(BaseModel):
    """One page of the feed."""

    alerts: list[Entry]
    next: str | None = None


@dataclass
class _Memory:
    """Identifiers of alerts that were handed over, in a file if one is given."""

    file: Path | None
    ids: dict[str, None] = field(default_factory=dict)

    @classmethod
    def load(cls, state: str | PathLike[str] | None, seen: Iterable[str]) -> _Memory:
        memory = cls(None if state is None else Path(state), dict.fromkeys(seen))
        if memory.file is not None and memory.file.exists():
            try:
                known = json.loads(memory.file.read_text(encoding="utf-8"))["seen"]
                memory.ids |= dict.fromkeys(str(item) for item in known)
            except (ValueError, KeyError, TypeError) as error:
                msg = f"{memory.file}: is not the state of a receiver; move it away to start anew"
                raise FeedError(msg) from error
        return memory

    def add(self, identifiers: Iterable[str]) -> None:
        self.ids |= dict.fromkeys(identifiers)
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.file.parent, prefix=self.file.name, delete=False, encoding="utf-8"
        ) as new:
            json.dump({"seen": list(self.ids)[-REMEMBERED:]}, new)
        # A crash leaves either the old or the new state, never half of one.
        os.replace(new.name, self.file)


class _PassingError(Exception):
    """Something that may be better at the next poll."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


def follow(
    url: str,
    *,
    interval: float = 30.0,
    backlog: bool = True,
    seen: Iterable[str] = (),
    state: str | PathLike[str] | None = None,
    stop: threading.Event | None = None,
    client: httpx.Client | None = None,
) -> Iterator[Alert]:
    """Yield each new alert of a feed once, oldest first, for as long as it is asked.

    A server that is restarted, overloaded or away for a while is asked again, with growing
    pauses; what was issued meanwhile follows. An alert that cannot be read is logged (logger
    ``openkm3.alerts``) and left out.

    Parameters
    ----------
    url : str
        Address of the feed, ``https://.../alerts/feed.json``.
    interval : float
        Seconds between polls.
    backlog : bool
        Whether to begin with the alerts that are there already.
    seen : iterable of str
        Identifiers of alerts that are not wanted (again).
    state : path, optional
        File that remembers what was handed over, for receivers that are restarted. An alert
        counts as handed over once the next one is asked for.
    stop : threading.Event, optional
        Set it (from a signal handler or another thread) to end the iteration.
    client : httpx.Client, optional
        For proxies, certificates or credentials.

    Raises
    ------
    FeedError
        The very first answer says that this is no feed, or ``state`` is no state file.
    """
    if not interval > 0:
        msg = f"interval must be more than 0 seconds, here it is {interval}"
        raise ValueError(msg)
    memory = _Memory.load(state, seen)
    stop = stop or threading.Event()
    own = client is None
    client = client or httpx.Client(timeout=30.0, headers={"User-Agent": "openkm3-alerts"})
    receiver = _Receiver(client, url, memory)
    failures = 0
    try:
        while not stop.is_set():
            try:
                if not backlog and not receiver.answered:
                    memory.add(entry.id for entry, _ in receiver.unseen())
                for entry, base in receiver.unseen():
                    alert = receiver.fetch(entry, base)
                    if alert is not None:
                        yield alert
                    memory.add([entry.id])
                    if stop.is_set():
                        return
                receiver.done()
                failures, pause = 0, interval
            except _PassingError as error:
                failures += 1
                pause = max(min(interval * 2 ** min(failures, 16), LONGEST_PAUSE), error.pause)
                log.warning("%s; asking again in %.0f s", error, pause)
            stop.wait(pause)
    finally:
        if own:
            client.close()


class _Receiver:
    """Asks the server."""

    def __init__(self, client: httpx.Client, url: str, memory: _Memory) -> None:
        self.client = client
        self.url = httpx.URL(url)
        self.memory = memory
        self.answered = False
        self._etag = ""
        self._next_etag = ""

    def unseen(self) -> list[tuple[Entry, httpx.URL]]:
        """Return alerts that are new, oldest first, each with the address of its page."""
        found: list[tuple[Entry, httpx.URL]] = []
        address: httpx.URL | None = self.url
        self._next_etag = ""
        for number in range(MAX_PAGES):
            if address is None:
                break
            try:
                page = self._page(address, first=number == 0)
                new = [entry for entry in page.alerts if entry.id not in self.memory.ids]
                found += [(entry, address) for entry in new]
                # Pages are ordered in time: behind one without news there is none.
                address = self._join(address, page.next) if page.next and new else None
            except AlertError as error:
                message = f"{address} is not an alert feed ({error})"
                if self.answered:
                    raise _PassingError(message) from None
                raise FeedError(f"{message}; it should end in /alerts/feed.json") from None
        self.answered = True
        unique = {entry.id: (entry, base) for entry, base in reversed(found)}
        return list(unique.values())

    def done(self) -> None:
        """Everything up to here was handed over: ask for changes only from now on."""
        self._etag = self._next_etag

    def fetch(self, entry: Entry, base: httpx.URL) -> Alert | None:
        """Return the alert of an entry, or None (and log it) where there is none to be had."""
        try:
            response, content = self._get(self._join(base, entry.notice), {})
            if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
                log.error("%s: not on the server any more, left out", entry.id)
                return None
            alert = read(content)
            if alert.role != entry.role:
                msg = f"the feed says {entry.role}, the alert itself {alert.role}"
                raise AlertError.single(msg, "role")
        except AlertError as error:
            log.error("%s: left out: %s", entry.id, error)
            return None
        return alert

    def _page(self, address: httpx.URL, *, first: bool) -> Page:
        """Return a page; an empty one where nothing changed since the last poll."""
        headers = {"If-None-Match": self._etag} if self._etag and first else {}
        response, content = self._get(address, headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            self._next_etag = self._etag
            return Page(alerts=[])
        if first:
            self._next_etag = response.headers.get("ETag", "")
        try:
            return Page.model_validate(parsed_json(content))
        except ValidationError as error:
            raise AlertError(problems_of(error), "feed") from None

    def _join(self, base: httpx.URL, address: str) -> httpx.URL:
        try:
            url = base.join(address)
        except httpx.InvalidURL:
            raise AlertError.single(f"{address[:80]!r} is no address") from None
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            msg = f"{address[:80]} is on another server than the feed, which is not followed"
            raise AlertError.single(msg)
        return url

    def _get(self, url: httpx.URL, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        try:
            with self.client.stream("GET", url, headers=headers) as response:
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise AlertError.single(f"{url} is larger than {MAX_BYTES} bytes")
        except httpx.HTTPError as error:
            raise _PassingError(f"{url}: {error or type(error).__name__}") from None
        self._refuse(url, response)
        return response, content

    def _refuse(self, url: httpx.URL, response: httpx.Response) -> None:
        status = response.status_code
        fine = {httpx.codes.OK, httpx.codes.NOT_MODIFIED}
        gone = {httpx.codes.NOT_FOUND, httpx.codes.GONE}
        if status in fine or (self.answered and status in gone and url != self.url):
            return
        message = f"{url}: the server answers {status} {response.reason_phrase}"
        busy = status >= 500 or status in {408, 425, 429}
        if self.answered or busy:
            after = response.headers.get("Retry-After", "")
            raise _PassingError(message, min(float(after), 3600.0) if after.isdecimal() else 0.0)
        if response.is_redirect:
            message += f" to {response.headers.get('Location', '')}: use that address"
        raise FeedError(message)
