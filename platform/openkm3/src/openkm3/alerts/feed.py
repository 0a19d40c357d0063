"""A receiver for the alert feed of an Open Data Center.

The contract of the feed
------------------------
``GET /alerts/feed.json`` answers with ``ETag`` (and 304 to a matching ``If-None-Match``)::

    {"alerts": [{"id": "ivo://km3net.org/VOEvent#KM3-240901A", "issued": "2024-09-01T12:01:00Z",
                 "role": "observation", "json": "/alerts/1.json", "voevent": "/alerts/1.xml"}],
     "next": null}

- ``alerts`` are sorted from newest to oldest; ``next`` is the address of the page with older ones,
  or null.
- ``id`` is unique for each record and never reused: an update has its own.
- ``role`` is VOEvent's: ``test`` must not trigger anything.
- ``json`` is the GCN notice, ``voevent`` the VOEvent. Addresses may be relative to the page and
  must be on the same server (scheme, host, port).
- Other fields are ignored.
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
    """The address is not an alert feed, or the state file is not one."""


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
    """Identifiers of delivered alerts, in a file if one is given."""

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
                msg = f"{memory.file}: is not the state of a receiver; move it away to start again"
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
        # After a crash the file has either the old or the new state.
        os.replace(new.name, self.file)


class _TemporaryError(Exception):
    """An error that may be gone at the next poll."""

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
    """Yield each new alert of a feed once, from oldest to newest, without end.

    If the server is restarted, overloaded or unavailable, the receiver retries with increasing
    pauses; alerts issued in the meantime follow. An alert that cannot be read is logged (logger
    ``openkm3.alerts``) and skipped.

    Parameters
    ----------
    url : str
        Address of the feed, ``https://.../alerts/feed.json``.
    interval : float
        Seconds between polls.
    backlog : bool
        Whether to start with the alerts that already exist.
    seen : iterable of str
        Identifiers of alerts to skip.
    state : path, optional
        File that stores which alerts were delivered, for receivers that are restarted. An alert
        counts as delivered when the next one is requested.
    stop : threading.Event, optional
        Ends the iteration when it is set, by a signal handler or another thread.
    client : httpx.Client, optional
        For proxies, certificates or credentials.

    Raises
    ------
    FeedError
        If the first answer shows that this is not a feed, or ``state`` is not a state file.
    """
    if not interval > 0:
        msg = f"interval must be more than 0 seconds, not {interval}"
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
            except _TemporaryError as error:
                failures += 1
                pause = max(min(interval * 2 ** min(failures, 16), LONGEST_PAUSE), error.pause)
                log.warning("%s; retrying in %.0f s", error, pause)
            stop.wait(pause)
    finally:
        if own:
            client.close()


class _Receiver:
    """Sends the requests to the server."""

    def __init__(self, client: httpx.Client, url: str, memory: _Memory) -> None:
        self.client = client
        self.url = httpx.URL(url)
        self.memory = memory
        self.answered = False
        self._etag = ""
        self._next_etag = ""

    def unseen(self) -> list[tuple[Entry, httpx.URL]]:
        """Return new alerts from oldest to newest, each with the address of its page."""
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
                # Pages are sorted by time: after one without new alerts there are none.
                address = self._join(address, page.next) if page.next and new else None
            except AlertError as error:
                message = f"{address} is not an alert feed ({error})"
                if self.answered:
                    raise _TemporaryError(message) from None
                raise FeedError(f"{message}; it should end in /alerts/feed.json") from None
        self.answered = True
        unique = {entry.id: (entry, base) for entry, base in reversed(found)}
        return list(unique.values())

    def done(self) -> None:
        """Note that everything was delivered, so that the next request asks only for changes."""
        self._etag = self._next_etag

    def fetch(self, entry: Entry, base: httpx.URL) -> Alert | None:
        """Return the alert of an entry; log it and return None if it cannot be read."""
        try:
            response, content = self._get(self._join(base, entry.notice), {})
            if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
                log.error("%s: skipped: no longer on the server", entry.id)
                return None
            alert = read(content)
            if alert.role != entry.role:
                msg = f"the feed says {entry.role}, the alert itself {alert.role}"
                raise AlertError.single(msg, "role")
        except AlertError as error:
            log.error("%s: skipped: %s", entry.id, error)
            return None
        return alert

    def _page(self, address: httpx.URL, *, first: bool) -> Page:
        """Return a page; an empty one if nothing changed since the last poll."""
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
            raise AlertError.single(f"{address[:80]!r} is not an address") from None
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            msg = f"{address[:80]} is not on the server of the feed, so it is refused"
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
            raise _TemporaryError(f"{url}: {error or type(error).__name__}") from None
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
            raise _TemporaryError(message, min(float(after), 3600.0) if after.isdecimal() else 0.0)
        if response.is_redirect:
            message += f" to {response.headers.get('Location', '')}: use that address"
        raise FeedError(message)
