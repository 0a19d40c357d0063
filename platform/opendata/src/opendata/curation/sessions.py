"""Logging in and out: sessions that hold an account, for the pages of curators only.

The public pages know neither cookies nor sessions, so that they are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.decorators import decorator_from_middleware
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from opendata.curation import throttle
from opendata.records.models import Account, Role

View = Callable[..., HttpResponseBase]
#: Who may log in; alerts are signed off by programs.
ROLES = (Role.CURATOR, Role.REVIEWER)
_with_session = decorator_from_middleware(SessionMiddleware)


class Paused(Exception):
    """Too many logins failed; `seconds` says how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def page(*methods: str) -> Callable[[View], View]:
    """Make a view of a page with a session; it is never cached, its forms are protected."""

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            add_never_cache_headers(response)
            return response

        protected: View = csrf_protect(require_http_methods([*methods])(shown))
        return _with_session(protected)

    return decorate


def account_page(*methods: str) -> Callable[[View], View]:
    """Make a view for who is logged in; others are sent to the login page first."""

    def decorate(view: View) -> View:
        @wraps(view)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            account = account_of(request)
            if account is None:
                # What was typed into a form of an old session cannot be sent after the login.
                target = request.path if request.method == "GET" else "/curate/"
                return redirect(f"/curate/login?{urlencode({'next': target})}")
            request.account = account  # type: ignore[attr-defined]
            return view(request, account, *args, **kwargs)

        return page(*methods)(asked)

    return decorate


def authenticate(name: str, password: str, address: str) -> Account | None:
    """Return the account of a name and password, None if they are wrong.

    Raises
    ------
    Paused
        After too many failures, also for the right password.
    """
    seconds = throttle.pause(name, address)
    if seconds:
        raise Paused(seconds)
    account = Account.objects.filter(name=name, active=True).exclude(password="").first()
    if account is None:
        # As long as for a name that there is, so that times tell nobody which names there are.
        make_password(password)
    elif check_password(password, account.password) and any(map(account.has, ROLES)):
        throttle.forget(name, address)
        return account
    throttle.note(name, address)
    return None


def log_in(request: HttpRequest, account: Account) -> None:
    """Begin a session; what was there before is thrown away."""
    request.session.flush()
    request.session["account"] = account.pk
    request.session["proof"] = _proof(account)
    rotate_token(request)


def log_out(request: HttpRequest) -> None:
    """End the session."""
    request.session.flush()


def account_of(request: HttpRequest) -> Account | None:
    """Return who is logged in; a new password and a closed account end all sessions."""
    pk = request.session.get("account")
    account = Account.objects.filter(pk=pk, active=True).first() if pk else None
    if account is None:
        return None
    return account if constant_time_compare(request.session["proof"], _proof(account)) else None


def _proof(account: Account) -> str:
    return salted_hmac("opendata.session", account.password, algorithm="sha256").hexdigest()
