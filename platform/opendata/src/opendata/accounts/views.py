"""Logging in and out."""

from __future__ import annotations

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from opendata.accounts import throttle
from opendata.accounts.device import remember
from opendata.accounts.forms import LoginForm

_PAGE = "accounts/login.html"


class Login(views.LoginView):
    """Asks for user name and password."""

    authentication_form = LoginForm
    template_name = _PAGE

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Logs in, and remembers the browser as a device of the account."""
        response = super().form_valid(form)
        remember(self.request, response, form.get_user())
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Answers 403 to a wrong name or password, and shows the form again."""
        response = super().form_invalid(form)
        if form.non_field_errors():
            response.status_code = 403
        return response


def paused(request: HttpRequest, *_: object) -> HttpResponse:
    """Answers 429 to a login after too many failures (AXES_LOCKOUT_CALLABLE)."""
    # What else django-axes passes differs between its synchronous and asynchronous middleware.
    seconds = max(throttle.pause(request, request.axes_credentials), 1)  # type: ignore[attr-defined]
    minutes = -(-seconds // 60)
    unit = "minute" if minutes == 1 else "minutes"
    view = Login()
    view.setup(request)
    context = {
        "form": LoginForm(request, initial={"username": request.POST.get("name", "")}),
        "paused": f"Too many failed logins. Try again in {minutes} {unit}.",
        "next": view.get_redirect_url(),
    }
    response = render(request, _PAGE, context, status=429)
    response.headers["Retry-After"] = str(seconds)
    add_never_cache_headers(response)
    return response
