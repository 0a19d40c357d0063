"""Logging in with the form of the login page."""

from __future__ import annotations

from http.cookiejar import Cookie
from urllib.parse import quote

import httpx

from km3visit.errors import LoginRefused, VisitError
from km3visit.site import Person, Site

__all__ = ["log_in"]


def _xsrf(client: httpx.AsyncClient, path: str) -> str:
    """Returns the hub's token against forged requests, which is a cookie of `path`."""
    cookies: list[Cookie] = list(client.cookies.jar)
    return next((c.value or "" for c in cookies if c.name == "_xsrf" and c.path == path), "")


async def log_in(site: Site, name: str, password: str, *, note: str, lifetime: int) -> Person:
    """Log in and get a token for the hub's API.

    Parameters
    ----------
    site
        The hub.
    name, password
        The account.
    note
        What the list of tokens shows.
    lifetime
        Seconds after which the token expires.

    Raises
    ------
    LoginRefused
        If the hub does not accept the password.
    VisitError
        If the hub gives no token.
    """
    cookies = f"{site.path}/hub/"
    async with site.client() as client:
        await client.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": _xsrf(client, cookies)}
        answer = await client.post("/hub/login", data=form)
        if answer.status_code != 302:
            raise LoginRefused(
                f"the account {name} cannot log in (the hub answers {answer.status_code})"
            )
        await client.get("/hub/home")
        answer = await client.post(
            f"/hub/api/users/{quote(name, safe='')}/tokens",
            headers={"X-XSRFToken": _xsrf(client, cookies)},
            json={"note": note, "expires_in": lifetime},
        )
        if answer.status_code != 201:
            raise VisitError(f"the hub gives {name} no token (it answers {answer.status_code})")
        return Person(site, name, str(answer.json()["token"]))
