"""`/hub/sessions`: an administrator sees who is logged in and ends sessions."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from km3hub.login.access import AccessError
from km3hub.login.sessions import digest

__all__ = ["SessionsHandler"]

_NO_BROWSER = "jupyterhub"


class SessionsHandler(BaseHandler):
    """The page, and its form."""

    @web.authenticated
    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Show the sessions and tokens of all users."""
        self.set_header("Cache-Control", "no-store")
        known = self.authenticator.sessions.all()
        here = self._here()
        rows: dict[str, dict[str, Any]] = {}
        for key, session in sorted(known.items(), key=lambda item: item[1].seen, reverse=True):
            row = rows.setdefault(session.user, {"sessions": [], "tokens": 0})
            row["sessions"].append({"key": key, "here": key == here, "session": session})
        for user, token in self._tokens():
            rows.setdefault(user, {"sessions": [], "tokens": 0})["tokens"] += token
        page = await self.render_template("sessions.html", rows=dict(sorted(rows.items())))
        self.finish(page)

    @web.authenticated
    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """End one session, or everything of one user."""
        name = self.get_body_argument("user", "")
        key = self.get_body_argument("session", "")
        sessions = self.authenticator.sessions
        if key:
            if key not in sessions.of(name):
                raise web.HTTPError(404, "This session has ended already. Reload the page.")
            sessions.end(key)
            self.log.warning("Access: %s ended a session of %s", self.current_user.name, name)
        else:
            if self.find_user(name) is None and not sessions.of(name):
                raise web.HTTPError(404, f"There is no user {name[:64]!r} here.")
            try:
                self.authenticator.access.end(name)
            except AccessError as error:
                self.log.error("Access: %s", error)
                raise web.HTTPError(503, "Nothing was ended: a file cannot be changed.") from None
            self.log.warning("Access: %s ended all sessions of %s", self.current_user.name, name)
        self.redirect(f"{self.hub.base_url}sessions")

    def _here(self) -> str:
        return next(
            (
                digest(self.get_cookie(name) or "")
                for name in ("km3-session", "__Host-km3-session")
                if self.get_cookie(name)
            ),
            "",
        )

    def _tokens(self) -> list[tuple[str, int]]:
        """Returns a pair of user and 1 for each token that a user made."""
        found = self.db.query(orm.APIToken).filter(
            orm.APIToken.user_id.isnot(None), orm.APIToken.client_id == _NO_BROWSER
        )
        return [(t.user.name, 1) for t in found if not (t.note or "").startswith("Server at ")]
