"""Where people log in with a provider: that they get to its page, and the account of the check."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import httpx

from km3visit.errors import VisitError
from km3visit.site import Person, Site

__all__ = ["see_provider"]


async def see_provider(site: Site, name: str, token: str) -> Person:
    """Check that people are sent to the login provider; create the account if it is missing.

    Returns
    -------
    Person
        The account with the hub's own token for it.

    Raises
    ------
    VisitError
        If the hub does not redirect, the provider does not answer, or the account cannot be made.
    """
    person = Person(site, name, token)
    async with site.client() as client:
        answer = await client.get("/hub/oauth_login")
        location = answer.headers.get("location", "")
        if answer.status_code != 302 or not location.startswith("http"):
            raise VisitError(
                f"nobody can log in: the hub answers {answer.status_code} instead of redirecting to"
                " the login provider; see the hub's log"
            )
        provider = urlsplit(location).netloc
        try:
            page = await client.get(location, follow_redirects=True)
        except httpx.HTTPError as error:
            raise VisitError(f"nobody can log in: {provider} does not answer ({error})") from None
    if page.status_code != 200:
        raise VisitError(f"nobody can log in: {provider} answers {page.status_code}")
    async with person.client() as client:
        answer = await client.post(f"/hub/api/users/{quote(name, safe='')}")
    if answer.status_code not in (201, 409):
        raise VisitError(
            f"the hub does not create the account {name} (it answers {answer.status_code})"
        )
    return person
