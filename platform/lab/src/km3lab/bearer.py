"""A token for data services, kept fresh in a file while the server runs.

The hub gives it to the server of whoever is logged in with a provider (`login.oidc.token_exchange`
in platform.yaml). Programs find it by the WLCG's rules for bearer tokens: the variable
`BEARER_TOKEN_FILE` names a file with the token and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

if TYPE_CHECKING:
    from logging import Logger

    from km3lab.notices import Notices

__all__ = ["FILE_VARIABLE", "Bearer"]

FILE_VARIABLE = "BEARER_TOKEN_FILE"
#: Seconds until the next attempt if the hub gave no token, and the shortest interval.
_RETRY, _LEAST = 30, 2
#: Seconds that the hub may take; it asks the provider.
_TIMEOUT = 40


class Bearer:
    """Keeps the file fresh.

    Parameters
    ----------
    file
        File that gets the token, mode 0600.
    audience
        The service that the token is for.
    notices
        Shows the user that a new login is needed.
    log
        Logs failures; never the token.
    """

    def __init__(self, file: Path, audience: str, notices: Notices, log: Logger) -> None:
        self._file = file
        self._audience = audience
        self._notices = notices
        self._log = log
        self._reported = False

    async def keep(self) -> None:
        """Renew the token forever, each time after half of its lifetime."""
        while True:
            await asyncio.sleep(await self.renew())

    async def renew(self) -> float:
        """Fetch a token and write it; return the seconds until the next renewal."""
        try:
            token, lasts = await self._fetch()
        except HTTPClientError as error:
            if error.code == 409:
                self._ended()
            else:
                self._log.warning("No token for %s: %s", self._audience, error)
            return _RETRY
        except (OSError, ValueError, KeyError) as error:
            self._log.warning("No token for %s: %s", self._audience, error)
            return _RETRY
        await asyncio.to_thread(self._write, token)
        if self._reported:
            self._reported = False
            self._notices.withdraw("login")
        return max(_LEAST, lasts / 2)

    async def _fetch(self) -> tuple[str, float]:
        request = HTTPRequest(
            f"{os.environ['JUPYTERHUB_API_URL']}/data-token",
            headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
            request_timeout=_TIMEOUT,
        )
        answer = json.loads((await AsyncHTTPClient().fetch(request)).body)
        return str(answer["access_token"]), float(answer["expires_in"])

    def _write(self, token: str) -> None:
        # A reader sees the old or the new token, never a part of one.
        draft = self._file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
        draft.replace(self._file)

    def _ended(self) -> None:
        self._file.unlink(missing_ok=True)
        if not self._reported:
            self._reported = True
            self._notices.add(
                "login",
                "warning",
                f"Your login has ended: the token for {self._audience} cannot be renewed.",
                details="Open File > Hub Control Panel and log in again; the token is then renewed"
                " within a minute. This server and its kernels keep running.",
            )
