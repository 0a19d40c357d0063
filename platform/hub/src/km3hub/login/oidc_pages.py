"""The pages of the method `oidc`: the login button, the redirects, the logout."""

from __future__ import annotations

from typing import Any

from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, OAuthLogoutHandler
from tornado import web

from km3hub.login.guard import EndingSession
from km3hub.login.page import LoginPage, PrintableNext
from km3hub.origins.fresh import MAX_AGE, must_log_in_again

__all__ = ["BeginLogin", "EndLogin", "ProviderPage", "ReturnFromLogin"]

_AGAIN = "This login was started in another window or too long ago. Please log in again."


class ProviderPage(LoginPage):
    """The login page with a button that leads to the provider."""

    async def post(self) -> None:
        """Refuse: there is no form, because this hub cannot check passwords."""
        raise web.HTTPError(405, "This platform does not ask for passwords. Use the button.")


class BeginLogin(PrintableNext, OAuthLoginHandler):
    """Sends a browser to the provider, with a secret that it must bring back (PKCE, state)."""

    async def get(self) -> None:
        """Redirect to the provider."""
        await self.authenticator.ready()
        super().get()

    def authorize_redirect(self, *arguments: Any, **options: Any) -> None:
        """Redirect; for pages that need a fresh login, have the provider ask for the password."""
        if must_log_in_again(self, self.get_argument("next", "")):
            options["extra_params"] |= {"prompt": "login", "max_age": str(MAX_AGE)}
        super().authorize_redirect(*arguments, **options)


class ReturnFromLogin(PrintableNext, OAuthCallbackHandler):
    """The address that the provider redirects browsers to."""

    #: The user's name at the provider, to be quoted when asking for access.
    name_at_provider = ""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log the error without the address, which contains the code."""
        if isinstance(value, web.HTTPError):
            self.log.warning("Login refused with %d: %s", value.status_code, value.get_message())
        else:
            super().log_exception(typ, value, tb)

    def check_arguments(self) -> None:
        """Refuse a response that does not belong to a login of this browser.

        Raises
        ------
        tornado.web.HTTPError
            400, with a message for the user.
        """
        # First, because without the right state any page may have sent the browser here, with any
        # text in `error_description`.
        try:
            self.check_state()
        except (web.HTTPError, ValueError, AttributeError):
            raise web.HTTPError(400, _AGAIN) from None
        error = self.get_argument("error", "")
        if error:
            raise self._refusal(error)
        if not self.get_argument("code", ""):
            raise web.HTTPError(400, _AGAIN)

    def _refusal(self, error: str) -> web.HTTPError:
        title = self.authenticator.oidc.title
        why = self.get_argument("error_description", "")
        self.log.warning("Login with %s refused: %r: %r", title, error[:80], why[:400])
        if error in ("access_denied", "login_required", "consent_required"):
            return web.HTTPError(
                403, f"The login with {title} was not completed. Log in to try again."
            )
        return web.HTTPError(
            503,
            f"{title} refused this platform's request ({error[:80]}). Please tell"
            f" {self.authenticator.contact}.",
        )

    async def get(self) -> None:
        """Log the user in, or say why not and whom to ask."""
        self.check_arguments()
        user = await self.login_user()
        if user is not None:
            # For the log line of this request.
            self._jupyterhub_user = user
            self.redirect(self.get_next_url(user))
            return
        oidc = self.authenticator.oidc
        endpoints = await self.authenticator.ready()
        self.set_status(403)
        self._jupyterhub_user = None
        html = await self.render_template(
            "refused.html",
            who=self.name_at_provider,
            provider=oidc.title,
            groups=[*oidc.allowed_groups],
            provider_logout=endpoints.end_session_endpoint,
        )
        self.finish(html)


class EndLogin(EndingSession, OAuthLogoutHandler):
    """Logs out of the platform, but not of the provider."""

    async def render_logout_page(self) -> None:
        """Show a link to log out of the provider, where its address is known."""
        authenticator = self.authenticator
        logout = ""
        if authenticator.finder.known:
            logout = authenticator.finder.known.end_session_endpoint
        html = await self.render_template(
            "logout.html", provider=authenticator.oidc.title, provider_logout=logout
        )
        self.finish(html)
