"""The Authenticator of the method `oidc`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets import Integer, Unicode

from km3hub.login.access import AccessError
from km3hub.login.client import GrantRefused, ProviderClient, ProviderTrouble, State
from km3hub.login.closed import lock_out, refuse
from km3hub.login.data_token import DataToken, DataTokenHandler
from km3hub.login.groups import groups_of
from km3hub.login.guard import Guard
from km3hub.login.id_token import is_fresh
from km3hub.login.names import hub_name
from km3hub.login.oidc_pages import BeginLogin, EndLogin, ProviderPage, ReturnFromLogin
from km3hub.login.session_pages import SessionsHandler
from km3hub.origins.fresh import must_log_in_again

__all__ = ["OidcAuthenticator"]

#: The number of characters of a full name that the pages show.
_SHOWN = 60
#: Tokens are renewed when they have less than this left, in seconds.
_MARGIN = 60


def _digest(issuer: str, sub: object) -> str:
    return hashlib.sha256(f"{issuer} {sub}".encode()).hexdigest()[:32]


class OidcAuthenticator(Guard, ProviderClient):
    """Logs in users whom the OpenID provider knows and the settings allow.

    Groups, admin flag and tokens follow the provider during a session: the first request after
    `refresh_seconds` asks it for them. A user who has lost access is treated like one whose account
    was closed (`closed.py`). A provider that does not respond logs nobody out.
    """

    login_handler = BeginLogin
    callback_handler = ReturnFromLogin
    logout_handler = EndLogin

    refresh_seconds = Integer(300, help="Seconds between two requests to the provider.").tag(
        config=True
    )
    check_account = Unicode("", help="The account whose server the site starts.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # One renewal at a time per user: providers treat a refresh token that is used twice as
        # stolen.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._data_tokens: dict[str, DataToken] = {}
        self._asked: dict[str, float] = {}

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Returns the handlers of the login page, the redirects, and data tokens."""
        self.begin_enforcing(app)
        pages = [("/login", ProviderPage), ("/sessions", SessionsHandler)]
        handlers = [*super().get_handlers(app), *pages, *self.first_handlers]
        if self.oidc.token_exchange:
            handlers.append(("/api/data-token", DataTokenHandler))
        return handlers

    # -- who it is ----------------------------------------------------------------------------

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> State:
        """Returns name, groups, admin flag and tokens of a user who returns from the provider.

        Raises
        ------
        tornado.web.HTTPError
            If the provider fails, or the name belongs to another user.
        """
        self.front.note(handler.request)
        await self.ready()
        try:
            model: State = await super().authenticate(handler, data, **kwargs)
        except HTTPClientError as error:
            raise self.trouble(f"{self.userdata_url}: {error}") from None
        claims = model["auth_state"][self.user_auth_state_key]
        handler.name_at_provider = claims[self.oidc.user]
        handler.login_is_fresh = is_fresh(
            model["auth_state"].get("id_token"),
            asked=must_log_in_again(handler, handler.get_next_url()),
        )
        if self.oidc.groups not in claims:
            self.log.warning(
                "Login with %s: %s came without the claim %s (login.oidc.groups_claim); with: %s",
                *(self.oidc.title, model["name"], self.oidc.groups, ", ".join(sorted(claims))),
            )
        await self._require_same_person(handler, model)
        if await self.check_allowed(model["name"], model):
            await self.begin_session(handler, model["name"])
        shown = claims.get("name")
        # For the hub's pages, because users do not recognise a name such as `egi-w4nd...`.
        model["user_info"] = {"name": shown[:_SHOWN] if isinstance(shown, str) else ""}
        self._asked[model["name"]] = time.monotonic()
        return model

    def user_info_to_username(self, user_info: Mapping[str, Any]) -> str:
        """Returns the user's name on this platform.

        Raises
        ------
        ProviderTrouble
            If its claim is missing.
        """
        claim = user_info.get(self.oidc.user)
        if not isinstance(claim, str) or not claim.strip():
            raise self.trouble(
                f"the claim {self.oidc.user} (login.oidc.username_claim) is missing; it sent:"
                f" {', '.join(sorted(user_info))}. Does the registration allow the scopes"
                f" {' '.join(self.oidc.asked)}?"
            )
        return hub_name(claim)

    async def get_user_groups(self, auth_state: State) -> set[str]:
        """Returns the groups in the provider's claims."""
        # Not by `auth_state_groups_key`, which interprets the dot in `wlcg.groups` as a path.
        return groups_of(
            self.oidc.groups, auth_state[self.user_auth_state_key].get(self.oidc.groups)
        )

    async def update_auth_model(self, auth_model: State) -> State:
        """Makes only members of `admin_groups` administrators, at each login anew."""
        auth_model["admin"] = False
        return auth_model

    def build_auth_state_dict(self, token_info: State, user_info: Mapping[str, Any]) -> State:
        """Returns what is stored, encrypted: tokens, claims, and when the access token ends."""
        state: State = super().build_auth_state_dict(token_info, user_info)
        if "expires_at" not in token_info:
            lasts = token_info.get("expires_in")
            token_info["expires_at"] = (
                time.time() + lasts if isinstance(lasts, (int, float)) else None
            )
        state["expires_at"] = token_info["expires_at"]
        return state

    async def _require_same_person(self, handler: Any, model: State) -> None:
        """Refuse a name that the provider gave to another person before, or the site's own."""
        if self._is_checks(model["name"]):
            self.log.warning(
                "Login with %s: refused %s, which is the site's own (login.oidc.check_account)",
                *(self.oidc.title, model["name"]),
            )
            raise self._taken_name(model["name"])
        known = handler.find_user(model["name"])
        before = await known.get_auth_state() if known else None
        old = ((before or {}).get(self.user_auth_state_key) or {}).get("sub")
        new = model["auth_state"][self.user_auth_state_key].get("sub")
        try:
            free = self.access.get(model["name"]).free
            same = free or not (old and new and old != new)
            if same and new and await self.check_allowed(model["name"], model):
                # Remembered here, too, because an administrator may delete the hub's record.
                same = self.access.hold(model["name"], _digest(self.oidc.where, new))
        except AccessError as error:
            raise self.trouble(str(error)) from None
        if not same:
            self.log.warning(
                "Login with %s: refused %s, who is another person now (claim sub). To admit the new"
                " person, who gets an empty home: km3hub accounts release %s",
                *(self.oidc.title, model["name"], model["name"]),
            )
            raise self._taken_name(model["name"])
        if "ended" in (before or {}) and self.enforcer is not None:
            # Otherwise sessions and tokens from before the end would count again.
            self.enforcer.end_logins(model["name"])

    def _is_checks(self, name: str) -> bool:
        return bool(self.check_account) and name == self.check_account

    def _taken_name(self, name: str) -> web.HTTPError:
        return web.HTTPError(
            403, f"The name {name} belongs to another user. Please ask {self.contact}."
        )

    # -- during a session ---------------------------------------------------------------------

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> bool | State:
        """Returns whether the user still has access; groups and admin flag where they changed."""
        if self._is_checks(user.name):
            return True
        async with self._lock(user.name):
            try:
                state = await self._current(user)
            except ProviderTrouble:
                # New logins must wait for the provider; sessions continue.
                return True
            if "ended" in state:
                return lock_out(handler, state["ended"])
            if why := self.void(user, handler):
                return refuse(handler, why)
            model = await self._model(state)
        groups = {group.name for group in user.groups}
        if model["admin"] == bool(user.admin) and set(model["groups"]) == groups:
            return True
        self.log.warning("Login with %s: groups of %s changed", self.oidc.title, user.name)
        return {key: model[key] for key in ("name", "admin", "groups")}

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        """Refuse to start a server for a user without access, even for an administrator.

        Raises
        ------
        tornado.web.HTTPError
            403, with the reason.
        """
        if self._is_checks(user.name):
            return
        state = await user.get_auth_state() or {"ended": self._please()}
        if "ended" in state:
            raise web.HTTPError(403, state["ended"])

    async def data_token(self, user: Any) -> DataToken | None:
        """Returns a token for data services; None if the user must log in again.

        Raises
        ------
        ProviderTrouble
            If the provider refuses.
        """
        async with self._lock(user.name):
            token = self._data_tokens.get(user.name)
            if token and not token.fresh:
                token = None
            state = await user.get_auth_state() or {}
            if not state or "ended" in state:
                self._data_tokens.pop(user.name, None)
                return None
            if token is None:
                try:
                    state = await self._lasting(user, state)
                    token = await self.exchanged(state["access_token"])
                except GrantRefused:
                    return None
                self._data_tokens[user.name] = token
            return token

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock

    async def _current(self, user: Any) -> State:
        """Returns the user's current state; with `ended` where the login has ended."""
        state: State = await user.get_auth_state() or {}
        if not state:
            return {"ended": self._please()}
        if "ended" in state:
            return state
        asked = self._asked.get(user.name)
        if asked is not None and time.monotonic() - asked < self.refresh_seconds:
            return state
        # Also after a failure, so that an unresponsive provider is not asked at each request.
        self._asked[user.name] = time.monotonic()
        try:
            state = await self._asked_again(user, state)
        except (GrantRefused, HTTPClientError):
            return await self._end(user, state, self._please())
        why = await self._why_not(user, state)
        if why:
            return await self._end(user, state, why)
        await user.save_auth_state(state)
        return state

    async def _asked_again(self, user: Any, state: State) -> State:
        """Returns the state with the provider's current claims."""
        await self.ready()
        state = await self._lasting(user, state)
        try:
            claims = await self.token_to_user(state["token_response"])
        except HTTPClientError:
            # Revoked, or expired without an announced end.
            state = await self._renewed(user, state)
            claims = await self.token_to_user(state["token_response"])
        return {**state, self.user_auth_state_key: claims}

    async def _why_not(self, user: Any, state: State) -> str:
        """Returns why the user has lost access; empty if they have not."""
        model = await self._model(state)
        if model["name"] != user.name:
            return self._please()
        if await self.check_allowed(user.name, model):
            return ""
        return (
            f"According to {self.oidc.title} you are no longer in a group with access to this"
            " platform."
            f" Your files are kept. Ask {self.contact} if you still need it."
        )

    async def _model(self, state: State) -> State:
        groups = await self.get_user_groups(state)
        name = self.user_info_to_username(state[self.user_auth_state_key])
        admin = bool(groups & self.admin_groups)
        return {"name": name, "admin": admin, "groups": sorted(groups), "auth_state": state}

    async def _lasting(self, user: Any, state: State) -> State:
        """Returns the state with an access token that is valid for a while, where possible."""
        ends = state.get("expires_at")
        if ends is None or ends - time.time() > _MARGIN:
            return state
        if state.get("refresh_token") or ends <= time.time():
            return await self._renewed(user, state)
        return state

    async def _renewed(self, user: Any, state: State) -> State:
        """Returns the state with a new access token.

        Raises
        ------
        GrantRefused
            If there is no refresh token, or the provider no longer accepts it.
        """
        refresh = state.get("refresh_token")
        if not refresh:
            raise GrantRefused(400)
        info = await self.get_token_info(None, self.build_refresh_token_request_params(refresh))
        # Without a new refresh token, the old one remains valid (RFC 6749, 6).
        info = {"refresh_token": refresh, **info}
        new = self.build_auth_state_dict(info, state[self.user_auth_state_key])
        # At once, because the old refresh token may be invalid now.
        await user.save_auth_state(new)
        return new

    async def _end(self, user: Any, state: State, why: str) -> State:
        """Record that the login has ended and delete the tokens; the claims are kept."""
        self.log.info("Login with %s: that of %s has ended", self.oidc.title, user.name)
        self._data_tokens.pop(user.name, None)
        key = self.user_auth_state_key
        ended = {key: state.get(key), "ended": why}
        await user.save_auth_state(ended)
        return ended

    def _please(self) -> str:
        return f"Your login with {self.oidc.title} has ended. Please log in again."
