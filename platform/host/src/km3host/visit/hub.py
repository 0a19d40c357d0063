"""The hub as a user sees it: login, servers, kernels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.cookiejar import Cookie
from urllib.parse import urlsplit

import httpx
import tenacity

from km3host.errors import HostError

__all__ = [
    "VisitError", "browser", "log_in", "see_provider", "start_kernel", "start_server",
    "stop_server",
]  # fmt: skip

#: Seconds: for one answer of the hub, for a server to start, and for one to stop.
ANSWER, START, STOP = 60, 300, 60
#: How long the visit's own token is valid, in seconds.
TOKEN_LIFETIME = 900


class VisitError(HostError):
    """A step of the visit failed."""


def browser(address: str, headers: Mapping[str, str], *, behind_proxy: bool) -> httpx.Client:
    """Return a client with its own cookies.

    Parameters
    ----------
    address
        The hub's base address.
    headers
        Headers of every request.
    behind_proxy
        Whether a proxy of the site terminates https; the client then sends cookies by http, as
        that proxy does.
    """
    client = httpx.Client(base_url=address, timeout=ANSWER, headers=dict(headers))

    def send_by_http(_: httpx.Response) -> None:
        for cookie in client.cookies.jar:
            cookie.secure = False

    if behind_proxy:
        client.event_hooks = {"response": [send_by_http]}
    return client


def _xsrf(client: httpx.Client, path: str) -> str:
    """Return the hub's token against forged requests, which is a cookie of `path`."""
    cookies: list[Cookie] = list(client.cookies.jar)
    return next((c.value or "" for c in cookies if c.name == "_xsrf" and c.path == path), "")


def log_in(client: httpx.Client, name: str, password: str) -> str:
    """Log in with the form of the login page and return a token for the hub's API.

    Raises
    ------
    VisitError
        If the hub refuses the password or gives no token.
    """
    client.get("/hub/login")
    form = {"username": name, "password": password, "_xsrf": _xsrf(client, "/hub/")}
    answer = client.post("/hub/login", data=form)
    if answer.status_code != 302:
        raise VisitError(f"the account {name} cannot log in (the hub answers {answer.status_code})")
    client.get("/hub/home")
    answer = client.post(
        f"/hub/api/users/{name}/tokens",
        headers={"X-XSRFToken": _xsrf(client, "/hub/")},
        json={"note": "verify", "expires_in": TOKEN_LIFETIME},
    )
    if answer.status_code != 201:
        raise VisitError(f"the hub gives {name} no token (it answers {answer.status_code})")
    return str(answer.json()["token"])


def see_provider(client: httpx.Client, name: str, token: str) -> None:
    """Check that people are sent to the login provider; create the account if it is missing.

    Raises
    ------
    VisitError
        If the hub does not redirect, the provider does not answer, or the account cannot be made.
    """
    answer = client.get("/hub/oauth_login")
    location = answer.headers.get("location", "")
    if answer.status_code != 302 or not location.startswith("http"):
        raise VisitError(
            f"nobody can log in: the hub answers {answer.status_code} instead of redirecting to the"
            " login provider; see the hub's log"
        )
    provider = urlsplit(location).netloc
    try:
        page = client.get(location, follow_redirects=True)
    except httpx.HTTPError as error:
        raise VisitError(f"nobody can log in: {provider} does not answer ({error})") from None
    if page.status_code != 200:
        raise VisitError(f"nobody can log in: {provider} answers {page.status_code}")
    headers = {"Authorization": f"token {token}"}
    answer = client.post(f"/hub/api/users/{name}", headers=headers)
    if answer.status_code not in (201, 409):
        raise VisitError(
            f"the hub does not create the account {name} (it answers {answer.status_code})"
        )


def stop_server(client: httpx.Client, name: str) -> None:
    """Stop the user's server, if one runs, and wait until it is gone.

    Raises
    ------
    VisitError
        If it still runs after a minute.
    """
    client.delete(f"/hub/api/users/{name}/server")
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        stop=tenacity.stop_after_delay(STOP),
        wait=tenacity.wait_fixed(0.5),
    )
    try:
        retrying(lambda: client.get(f"/hub/api/users/{name}").json()["servers"])
    except tenacity.RetryError:
        raise VisitError(f"the server did not stop within {STOP} s") from None


def start_server(client: httpx.Client, name: str, environment: str) -> None:
    """Start a server and wait until it is ready.

    Raises
    ------
    VisitError
        If the hub refuses, or the server does not start.
    """
    choice = {"environment": environment}
    answer = client.post(f"/hub/api/users/{name}/server", json=choice)
    if answer.status_code not in (201, 202):
        raise VisitError(f"cannot start a server of {environment}: {answer.text[:300]}")
    progress = f"/hub/api/users/{name}/server/progress"
    with client.stream("GET", progress, timeout=START) as events:
        for line in events.iter_lines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line.removeprefix("data:"))
            if event.get("failed"):
                raise VisitError(f"a server of {environment} does not start: {event['message']}")
            if event.get("ready"):
                return
    raise VisitError(f"a server of {environment} does not become ready")


def start_kernel(client: httpx.Client, name: str, environment: str) -> str:
    """Start a Python kernel in the user's server and return its identifier.

    Raises
    ------
    VisitError
        If the server refuses.
    """
    answer = client.post(f"/user/{name}/api/kernels", json={"name": "python3"})
    if answer.status_code != 201:
        raise VisitError(
            f"no kernel starts in {environment} (the server answers {answer.status_code})"
        )
    return str(answer.json()["id"])
