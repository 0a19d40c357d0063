"""Browser sessions: one per login, listed and ended one by one.

JupyterHub's own login cookie is the same in all browsers of a user and cannot be ended alone. So
each login gets a second cookie with a secret of its own, and only its digest is kept here, in a
file of the state folder. The hub's pages need both cookies.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from km3hub.login.stored import StoredFile

__all__ = ["LASTS", "Session", "Sessions", "digest"]

log = logging.getLogger("jupyterhub.km3hub.login")

#: How long a login lasts.
LASTS = timedelta(days=7)
#: `seen` is written at most this often.
_RESOLUTION = timedelta(minutes=10)
#: Sessions of one user; at the next login the one that was not used for longest ends.
_PER_USER = 50
_AGENT = 200


class Session(BaseModel):
    """One login in one browser."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user: str
    began: AwareDatetime
    seen: AwareDatetime
    """When it was last used, to ten minutes."""
    address: str = ""
    """The client's address at the login."""
    agent: str = ""
    """The browser's name, from its header User-Agent."""
    mark: str = ""
    """Changes with the password that was used (accounts)."""


_Content = dict[str, Session]
_ADAPTER = TypeAdapter(_Content)


def digest(secret: str) -> str:
    """Returns the key of a session: 32 hexadecimal digits of its secret's SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


class Sessions:
    """The sessions of one hub.

    Where the file cannot be written, for example on a full disk, sessions live in memory.

    Parameters
    ----------
    path
        The file; created with the first session, mode 0600. The command line may change it too.
    clock
        Returns the current time.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.file = StoredFile[_Content](
            path,
            read=_ADAPTER.validate_json,
            write=lambda content: _ADAPTER.dump_json(content, indent=1).decode(),
            empty=dict,
        )
        self._clock = clock
        self._unsaved: _Content = {}

    def begin(self, user: str, *, address: str = "", agent: str = "", mark: str = "") -> str:
        """Begin a session; return the secret for the browser's cookie."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(
            user=user, began=now, seen=now, address=address, agent=agent[:_AGENT], mark=mark
        )

        def change(content: _Content) -> None:
            for key in [k for k, s in content.items() if now - s.began > LASTS]:
                del content[key]
            own = sorted((s.seen, k) for k, s in content.items() if s.user == user)
            for _, key in own[: max(0, len(own) - _PER_USER + 1)]:
                del content[key]
            content[digest(secret)] = session

        if not self._change(change):
            self._unsaved[digest(secret)] = session
        return secret

    def find(self, secret: str) -> Session | None:
        """Returns the session of a cookie, or None if it has ended."""
        key = digest(secret)
        session = self.all().get(key)
        now = self._clock()
        if session is None or now - session.began > LASTS:
            return None
        if now - session.seen > _RESOLUTION:
            self._change(lambda content: self._see(content, key, now))
        return session

    @staticmethod
    def _see(content: _Content, key: str, now: datetime) -> None:
        if key in content:
            content[key] = content[key].model_copy(update={"seen": now})

    def all(self) -> dict[str, Session]:
        """Returns the sessions by key.

        Where the file cannot be read, nobody is logged in. A damaged one is renamed.
        """
        try:
            content = self.file.content()
        except OSError as error:
            log.error("%s cannot be read: %s", self.file.path, error)
            content = {}
        except ValueError:
            log.error("%s is damaged; all have to log in again", self.file.path)
            with suppress(OSError):
                self.file.path.replace(self.file.path.with_suffix(".broken"))
            content = {}
        return {**content, **self._unsaved}

    def alive(self) -> set[str] | None:
        """Returns the keys of all sessions; None if the file cannot be read now."""
        known = self.all()
        try:
            self.file.content()
        except (OSError, ValueError):
            return None
        return set(known)

    def of(self, user: str) -> dict[str, Session]:
        """Returns the sessions of one user by key."""
        return {key: session for key, session in self.all().items() if session.user == user}

    def end(self, *keys: str) -> None:
        """End sessions."""
        for key in keys:
            self._unsaved.pop(key, None)
        if any(key in self.all() for key in keys):
            self._change(lambda content: [content.pop(key, None) for key in keys])

    def _change(self, change: Callable[[_Content], object]) -> bool:
        """Change the file; return whether that was possible."""
        try:
            with self.file.changing() as content:
                change(content)
        except (OSError, ValueError, Timeout) as error:
            log.error("%s cannot be changed: %s", self.file.path, error)
            return False
        return True
