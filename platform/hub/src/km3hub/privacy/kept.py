"""What the hub keeps of a person: the rows of the privacy page, made from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from km3hub.login.device import DAYS
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["Kept", "kept"]

#: What Docker keeps of the output of each service where nothing else is set up
#: (`logging` in docker-compose.yml), and of a user's server (`spawning/docker.py`).
_ENGINE_LOG, _SERVER_LOG = "30 MB", "10 MB"
#: Days that a login lasts (`configure/login.py`).
LOGIN_DAYS = 7


@dataclass(frozen=True)
class Kept:
    """One kind of personal data."""

    what: str
    why: str
    how_long: str
    who: str


def kept(settings: Settings, runtime: Runtime) -> list[Kept]:
    """Returns what this hub keeps, with these settings in this mode."""
    return [
        *_accounts(settings),
        *_work(settings, runtime),
        *_workshops(settings),
        *_logs(settings, runtime),
    ]


def _accounts(settings: Settings) -> Iterator[Kept]:
    admins = "administrators"
    until = "until an administrator removes the account"
    if settings.login.method == "oidc" and settings.login.oidc:
        title = settings.login.oidc.title
        yield Kept(
            f"user name, groups and times of your last use; from {title} also your name",
            "to log you in and to know what you may use",
            until,
            admins,
        )
        if settings.login.oidc.token_exchange:
            yield Kept(
                f"tokens of {title}, encrypted",
                "so that your server can use data services as you",
                "until they expire",
                "nobody",
            )
    else:
        yield Kept(
            "user name, groups, expiry and time of creation of your account, times of your last"
            " use, and a hash of your password (argon2id)",
            "to log you in and to know what you may use",
            until,
            f"{admins}; nobody can read the password",
        )
    yield Kept(
        "of each login: time, network address and what your browser calls itself",
        "so that you and administrators can see and end sessions",
        f"{LOGIN_DAYS} days, or until you log out",
        f"you and {admins}",
    )
    yield Kept(
        "a cookie in your browser, and tokens that you create",
        "to keep you logged in",
        f"the cookie {LOGIN_DAYS} days or until you log out; tokens until they expire or you"
        " revoke them",
        "you",
    )


def _work(settings: Settings, runtime: Runtime) -> Iterator[Kept]:
    yield Kept(
        "the files in your home",
        "to keep your work",
        "until an administrator erases them; they stay when your account is removed",
        "you, and administrators of the machine",
    )
    scratch = settings.homes.scratch
    if scratch.size:
        yield Kept(
            "the files in your scratch folder",
            "to keep files that can be made again",
            f"until nobody used them for {scratch.purge_days} days",
            "you, and administrators of the machine",
        )
    if settings.homes.shared:
        yield Kept(
            "files in folders that you share with groups",
            "to work together",
            "until a member deletes them; they stay when your account is removed or erased",
            "the members of these groups, and administrators of the machine",
        )
    usage = settings.usage
    yield Kept(
        "for each day: how long your server ran and how much processor time it used; the size of"
        " your home",
        "for quotas and reports; reports for others contain totals only",
        f"{usage.keep_months} months, then only totals of all users",
        "administrators",
    )
    if usage.alert_hours:
        yield Kept(
            f"your user name on the status page of administrators, while your server has used all"
            f" its cores for more than {usage.alert_hours:g} hours without a busy kernel",
            "to find misused servers",
            "for as long as that lasts",
            "administrators",
        )
    yield Kept(
        "what your server prints while it starts and runs",
        "to find faults",
        _server_output(settings, runtime),
        "administrators of the machine",
    )


def _workshops(settings: Settings) -> Iterator[Kept]:
    if settings.login.method == "accounts":
        yield Kept(
            "in a workshop: the name and e-mail address that the organiser entered for you, your"
            " account and role, and whether and when you used the login link on your card",
            "to make your account and your card",
            "until the archive of your home is deleted; without an archive, until the workshop is"
            " closed",
            "organisers of the workshop, and administrators",
        )
        yield Kept(
            "the password and login link on your card, in readable form",
            "so that the card can be printed again",
            "until an administrator deletes them, at the latest until the workshop's last day",
            "administrators of the machine",
        )
        yield Kept(
            "after a workshop: an archive of the files in your home, and how often it was"
            " downloaded",
            "so that you can download your files",
            "until the day that your organiser named, 30 days after the workshop was closed unless"
            " chosen otherwise",
            "everyone who has your download link, and administrators of the machine",
        )
    yield Kept(
        "in a workshop: messages to you and whether you dismissed them, copies of files that"
        " teachers collected from you, whether you asked for help, and, only if you agreed, which"
        " notebook and cell you ran last",
        "so that teachers can help during the workshop",
        "until the workshop is closed; the last notebook and cell until you stop showing it",
        "teachers of the workshop, and administrators",
    )


def _server_output(settings: Settings, runtime: Runtime) -> str:
    if runtime.logs == "files":
        return _days(settings)
    return f"until your server stops, and the newest {_SERVER_LOG} only"


def _logs(settings: Settings, runtime: Runtime) -> Iterator[Kept]:
    if runtime.logs == "engine":
        how_long = (
            f"the newest {_ENGINE_LOG} of each service; there is no limit in time on this machine"
        )
    else:
        how_long = _days(settings)
    yield Kept(
        "log entries: time, network address, user name and page of each request; logins and"
        " failed logins",
        "to find faults and attacks",
        how_long,
        "administrators of the machine",
    )
    if settings.login.method == "accounts":
        yield Kept(
            "a cookie in your browser that records that you have logged in there",
            "so that strangers who guess your password do not lock you out",
            f"{DAYS} days",
            "you",
        )
        yield Kept(
            "user name and network address of failed logins, in memory",
            "to slow down the guessing of passwords",
            "minutes, and until the hub is restarted",
            "nobody",
        )


def _days(settings: Settings) -> str:
    days = settings.privacy.log_days
    return f"{days} day{'s' if days != 1 else ''}"
