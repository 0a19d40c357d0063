"""Access to the curation pages: logged in, never cached, forms protected."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from opendata.accounts.models import User

View = Callable[..., HttpResponseBase]


def curation_page(*methods: str) -> Callable[[View], View]:
    """Returns a decorator for views of logged-in users; others have to log in first.

    The view gets the user after the request.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def authenticated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                # A form of an expired session is lost; its address answers to POST only.
                target = request.path if request.method == "GET" else "/curate/"
                return redirect_to_login(target)
            # The log names the account.
            request.account = user  # type: ignore[attr-defined]
            return view(request, user, *args, **kwargs)

        allowed: View = require_http_methods([*methods])(authenticated)
        protected: View = csrf_protect(never_cache(allowed))
        return protected

    return decorate
