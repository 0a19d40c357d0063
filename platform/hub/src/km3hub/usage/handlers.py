"""`POST /hub/api/usage`: a user's server reports whether a kernel is busy, and gets its quota."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from tornado import web

from km3hub.login.data_token import covers
from km3hub.usage.ledger import LedgerError
from km3hub.usage.watch import UsageWatch

__all__ = ["UsageHandler"]


class UsageHandler(APIHandler):
    """`{"kernel_busy": true}` → `{"quota": {...} or null, "stops": TIME or null}`.

    A user's server sends it once a minute with its own API token. Its reports of busy kernels
    affect only the search for misused servers: anybody who controls a server can send anything.
    """

    def initialize(self, watch: Callable[[], UsageWatch]) -> None:
        """Keep the watch."""
        self._watch = watch()

    async def post(self) -> None:
        """Take the report and answer with the quota."""
        user = self.current_user
        # As for data tokens: only a user's own server has the scope to report activity.
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        body: Any = self.get_json_body()
        busy = body.get("kernel_busy") if isinstance(body, dict) else None
        if not isinstance(busy, bool):
            raise web.HTTPError(400, 'Send {"kernel_busy": true} or {"kernel_busy": false}.')
        if busy:
            try:
                self._watch.ledger.report_busy(user.name, self._watch.clock())
            except LedgerError as error:
                self.log.warning("the report of %s is lost: %s", user.name, error)
        balance = self._watch.balance(user)
        stops = self._watch.stops_at(user.name)
        self.set_header("Cache-Control", "no-store")
        self.finish(
            json.dumps(
                {
                    "quota": balance.model() if balance else None,
                    "stops": None if stops is None else _iso(stops),
                }
            )
        )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
