"""The login page: a form for name and password, and why an account was closed."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.login import LoginHandler
from tornado import web

__all__ = ["LoginPage", "PasswordPage", "PrintableNext"]

#: The number of characters of the name that a failed login shows again.
_SHOWN = 64


class PrintableNext:
    """Ignores an address to go to after the login that no header can hold (a part of a handler)."""

    def _validate_next_url(self: Any, next_url: str) -> str:
        if not next_url.isprintable():
            return ""
        checked: str = super()._validate_next_url(next_url)  # type: ignore[misc]
        return checked

    def get_next_url(self: Any, *args: Any, **kwargs: Any) -> str:
        """Returns the address to go to; one from a login with a provider was not validated."""
        found: str = super().get_next_url(*args, **kwargs)  # type: ignore[misc]
        return found if found.isprintable() else str(self.hub.base_url)


class LoginPage(PrintableNext, LoginHandler):
    """JupyterHub's login page, which also shows why an account was closed.

    A user whose account expired is redirected here with a cookie that was valid; the Authenticator
    has put the reason into `closed_account`.
    """

    closed_account: str | None = None

    def _render(
        self, login_error: str | None = None, username: str | None = None, **kwargs: Any
    ) -> Any:
        if username and len(username) > _SHOWN:
            username = f"{username[:_SHOWN]}..."
        return super()._render(
            login_error=login_error or self.closed_account, username=username, **kwargs
        )


class PasswordPage(LoginPage):
    """The login page with a form for name and password."""

    async def post(self) -> None:
        """Log in, or show the form again with what went wrong."""
        if "username" not in self.request.body_arguments:
            raise web.HTTPError(400, "The form has no user name. Try again.")
        await super().post()
