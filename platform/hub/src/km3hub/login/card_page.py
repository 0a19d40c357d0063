"""The one-time login link on a participant's card: `/hub/card#ACCOUNT.SECRET`.

Browsers do not send what follows `#`, so the secret is in no log, history of a proxy or Referer.
The page shows the account and asks; only the button, a POST with the page's XSRF token, uses the
link up. So a mail scanner that opens the link does not spend it, and another page cannot log a
visitor in without a click on a page that names the account.
"""

from __future__ import annotations

from dataclasses import dataclass

from tornado import web

from km3hub.login.page import LoginPage

__all__ = ["CardPage", "OneTimeLogin"]

_VOID = (
    "This login link was used before or has expired. Log in with the account and password on your"
    " card."
)
_UNKNOWN = "This is not a login link of this platform. Open the link on your card again."


@dataclass(frozen=True)
class OneTimeLogin:
    """A request to log in with a link. No form can contain one: forms contain text."""

    account: str
    secret: str


class CardPage(LoginPage):
    """The page behind the link."""

    async def get(self) -> None:
        """Show the page, which reads the account from the address."""
        self.finish(await self._page())

    async def post(self) -> None:
        """Use the link up and log in.

        Raises
        ------
        tornado.web.HTTPError
            429 after too many wrong links, 503 where nobody can log in at the moment.
        """
        account = self.get_body_argument("account", "")
        user = self.current_user
        if user is not None:
            if user.name != account:
                self.set_status(403)
                self.finish(await self._page())
                return
            self.redirect(self.get_next_url(user))
            return
        wanted = OneTimeLogin(account, self.get_body_argument("secret", ""))
        try:
            found = await self.login_user({"link": wanted})
        except web.HTTPError as error:
            if error.status_code != 403:
                raise
            found = None
        if found is None:
            self.set_status(403)
            self.finish(await self._page(_VOID if self.link_is_void else _UNKNOWN))
            return
        self._jupyterhub_user = found
        self.redirect(self.get_next_url(found))

    #: Whether the link was valid once; set by the Authenticator.
    link_is_void = False

    async def _page(self, failure: str = "") -> str:
        self.set_header("Cache-Control", "no-store")
        page: str = await self.render_template(
            "card.html", failure=failure, xsrf=self.xsrf_token.decode("ascii")
        )
        return page
