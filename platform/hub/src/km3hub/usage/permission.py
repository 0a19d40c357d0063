"""Whether a server may be started now: the spawn switch and the user's CPU quota."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from km3hub.spawning.failure import StartError
from km3hub.usage.watch import UsageWatch

__all__ = ["notice", "require_permission", "with_notice"]


def require_permission(watch: UsageWatch, spawner: Any) -> None:
    """Refuse a start; the hook `c.Spawner.pre_spawn_hook`. Administrators may start any server.

    Raises
    ------
    StartError
        With the reason, for the user.
    """
    requester = getattr(spawner.handler, "current_user", None)
    if getattr(requester, "admin", False):
        return
    why = notice(watch, spawner.user)
    if why:
        raise StartError(why, reason="permission")


def notice(watch: UsageWatch, user: Any) -> str:
    """Returns why no server of a user can be started now; empty if it can."""
    pause = watch.pause.read()
    if pause:
        reason = f" {pause.reason}" if pause.reason else ""
        return (
            f"New servers cannot be started at the moment.{reason} Servers that are running"
            " continue to run."
        )
    balance = watch.balance(user)
    if balance and balance.used_up:
        contact = watch.settings.site.contact
        return f"{balance.sentence} Until then no server can be started. Questions? Ask {contact}."
    return ""


def with_notice(form: Callable[[Any], str], watch: UsageWatch) -> Callable[[Any], str]:
    """Returns the options form with the state of pause and quota above it.

    While no server can be started there is the reason and no form, except for administrators.
    """

    def options_form(spawner: Any) -> str:
        from km3hub.spawning.options import template

        requester = getattr(spawner.handler, "current_user", None)
        why = notice(watch, spawner.user)
        balance = watch.balance(spawner.user)
        above = template("usage.html").render(
            why=why,
            admin=getattr(requester, "admin", False),
            balance=None if balance is None or balance.used_up else balance.sentence,
        )
        if why and not getattr(requester, "admin", False):
            return above
        return above + form(spawner)

    return options_form
