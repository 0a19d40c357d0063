"""The privacy page: what the portal keeps of a person, made from its settings."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from adqlite.limits import Limits
from opendata.configuration import Configuration

#: What is kept, why, how long, and who can see it.
Row = tuple[str, str, str, str]


def rows(configuration: Configuration) -> Iterator[Row]:
    """Yields the rows of the table for a configuration."""
    yield (
        "Log entries: time, address of the page, status and duration of each request, and the user"
        " name of people who are logged in. Network addresses are not logged.",
        "to find faults",
        f"{configuration.log_days} days"
        if configuration.log_days
        else "as long as the operator of this portal sets up; by default the newest 30 MB",
        "administrators of the machine",
    )
    if configuration.vo == "embedded":
        days = f"{Limits(**getattr(settings, 'VO_LIMITS', {})).job_days:g} days"
        yield (
            "Queries to the VO services that run as jobs, with uploaded tables and results",
            "to answer them",
            f"{days} at most; sooner if the client deletes the job",
            "anyone who knows the address of the job, which is random",
        )
    pause = int(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    yield (
        "Failed logins: a keyed hash of the name and of the network address",
        "to slow down the guessing of passwords",
        f"{pause} minutes, deleted within the hour",
        "nobody can read them",
    )
    yield (
        "Accounts of curators, reviewers and senders of alerts: user name, roles, a hash of the"
        " password, time of the last login, hashes of tokens, sessions",
        "to know who may change what",
        "until an administrator erases the account; sessions"
        f" {settings.SESSION_COOKIE_AGE // 3600} hours",
        "administrators",
    )
    yield (
        "The record of changes: which account drafted, submitted, approved or withdrew what",
        "so that published data can be traced",
        "for good, as the data; the name is replaced when an account is erased",
        "administrators",
    )
    yield (
        "Names, ORCID iDs and affiliations of the authors of records",
        "to give credit, as in any publication",
        "for good: published versions never change",
        "everyone",
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The privacy page."""
    configuration = settings.CONFIGURATION
    return render(
        request,
        "privacy.html",
        {"rows": list(rows(configuration)), "policy": configuration.policy_url},
    )
