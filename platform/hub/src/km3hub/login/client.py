"""Requests to an OpenID provider: endpoints, client secret, tokens, errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from traitlets import Instance, List, Unicode, default

from km3hub.login.data_token import DataToken
from km3hub.login.endpoints import DiscoveryError, Endpoints, Finder
from km3settings.provider import Oidc
from km3settings.secret import SecretError, read_secret

__all__ = ["GrantRefused", "ProviderClient", "ProviderTrouble", "State"]

#: A whole class may log in at once; tornado's default is 10 parallel requests.
_REQUESTS_AT_ONCE = 50

State = dict[str, Any]


class ProviderTrouble(web.HTTPError):
    """The provider or its configuration fails; the user is not at fault."""


class GrantRefused(web.HTTPError):
    """The provider refuses a code or a refresh token."""


class ProviderClient(GenericOAuthenticator):
    """The part of the Authenticator that talks to the provider; `oidc.py` makes the decisions."""

    oidc = Instance(Oidc, help="The section login.oidc of the settings.").tag(config=True)
    secret_files = List(
        Unicode(), help="Files with the client secret; the first readable one is used."
    ).tag(config=True)
    contact = Unicode("your administrator", help="Whom to ask for help.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.finder = Finder(self.oidc, self.httpfetch)

    @default("http_client")
    def _many_at_once(self) -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=_REQUESTS_AT_ONCE)

    async def ready(self) -> Endpoints:
        """Find the provider's endpoints.

        Raises
        ------
        ProviderTrouble
            If it does not respond, or not like a provider.
        """
        try:
            found = await self.finder.endpoints()
        except DiscoveryError as error:
            raise self.trouble(str(error)) from None
        except HTTPClientError as error:
            why = f"{self.finder.address}: {error}; is login.oidc.issuer right?"
            raise self.trouble(why) from None
        self.authorize_url = found.authorization_endpoint
        self.token_url = found.token_endpoint
        self.userdata_url = found.userinfo_endpoint
        return found

    @property
    def client_secret(self) -> str:
        """The client secret, read each time because it may be replaced at any time.

        Raises
        ------
        ProviderTrouble
            If it cannot be read; the log says why.
        """
        problems = []
        for file in self.secret_files:
            try:
                return read_secret(Path(file))
            except SecretError as error:
                problems.append(str(error))
        raise self.trouble(problems[0] if problems else "no client secret is configured")

    def trouble(self, for_the_log: str) -> ProviderTrouble:
        """Log the reason and return an error for the user."""
        self.log.error("Login with %s: %s", self.oidc.title, for_the_log)
        return ProviderTrouble(
            503,
            f"Logging in with {self.oidc.title} is not possible at the moment. Try again in a few"
            f" minutes; if it still fails, tell {self.contact}. Sessions continue.",
        )

    async def httpfetch(self, url: str, label: str = "asking", **options: Any) -> Any:
        """Returns the JSON of the provider's response.

        Raises
        ------
        ProviderTrouble
            If it does not respond, fails, or does not send JSON.
        HTTPClientError
            If it refuses the request.
        """
        try:
            return await super().httpfetch(url, label, **options)
        except HTTPClientError as error:
            if error.code < 500:  # 599: no answer in time
                raise
            raise self.trouble(f"{url}: {error}") from None
        except (OSError, ValueError) as error:
            raise self.trouble(f"{url}: {error}") from None

    def build_token_info_request_headers(self) -> dict[str, str]:
        """Returns the headers of a token request, with id and secret where they belong there."""
        headers: dict[str, str] = super().build_token_info_request_headers()
        if self.basic_auth:
            # Form-encoded first (RFC 6749, 2.3.1), because secrets may contain any character.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    async def get_token_info(self, handler: Any, params: Mapping[str, str]) -> State:
        """Returns the token endpoint's response to a token request.

        Raises
        ------
        GrantRefused
            If it refuses the code or token in the request.
        ProviderTrouble
            If it refuses this hub, or does not respond.
        """
        await self.ready()
        try:
            info = await self.httpfetch(
                self.token_url,
                "asking for tokens",
                method="POST",
                headers=self.build_token_info_request_headers(),
                # oauthenticator adds form data of the login page, of which there is none here.
                body=urlencode({k: v for k, v in params.items() if v is not None}),
            )
        except HTTPClientError as error:
            raise self._refused(error) from None
        if not isinstance(info, dict) or not info.get("access_token"):
            raise self.trouble(f"{self.token_url} answered without a token")
        # RFC 6749 requires it, but some providers omit it.
        return {"token_type": "Bearer", **info}

    def _refused(self, error: HTTPClientError) -> web.HTTPError:
        try:
            why = str(json.loads(error.response.body if error.response else b"")["error"])
        except (ValueError, KeyError, TypeError):
            why = f"status {error.code}"
        if why == "invalid_grant":
            return GrantRefused(
                400, "This login has already been used or took too long. Please log in again."
            )
        hint = ""
        if why in ("invalid_client", "unauthorized_client") or error.code == 401:
            hint = (
                "; it does not accept this hub: compare login.oidc.client_id, the client secret in"
                f" {self.oidc.client_secret_file} and login.oidc.client_authentication with the"
                " registration"
            )
        return self.trouble(f"{self.token_url} refused: {why}{hint}")

    async def exchanged(self, subject: str) -> DataToken:
        """Returns a token for data services in exchange for an access token (RFC 8693)."""
        exchange = self.oidc.token_exchange
        if exchange is None:
            raise RuntimeError("login.oidc.token_exchange is not set")
        params = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": subject,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": exchange.audience,
        }
        if exchange.scopes:
            params["scope"] = " ".join(exchange.scopes)
        if not self.basic_auth:
            params |= {"client_id": self.client_id, "client_secret": self.client_secret}
        info = await self.get_token_info(None, params)
        return DataToken.of(info)
