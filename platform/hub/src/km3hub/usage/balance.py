"""What remains of a user's CPU quota."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from km3hub.usage.ledger import Ledger
from km3hub.usage.period import first_day, renewal
from km3settings.usage import Usage

__all__ = ["Balance", "balance"]

#: Returns the users in any of these groups.
Members = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True)
class Balance:
    """A quota and its use in the current period, in CPU hours."""

    used: float
    limit: float
    renews: date
    """The first day of the next period; it begins at 00:00 UTC."""
    shared: bool = False

    @property
    def left(self) -> float:
        """What remains, at least zero."""
        return max(0.0, self.limit - self.used)

    @property
    def used_up(self) -> bool:
        """Whether nothing remains."""
        return self.used >= self.limit

    @property
    def sentence(self) -> str:
        """The state of the quota, for its user."""
        whose = "Your group has" if self.shared else "You have"
        if self.used_up:
            return f"{whose} used all {self.limit:g} CPU hours; they renew on {self._day}."
        return (
            f"{whose} {hours(self.left)} of {self.limit:g} CPU hours left; they renew on"
            f" {self._day}."
        )

    @property
    def _day(self) -> str:
        return f"{self.renews:%-d %B %Y} (00:00 UTC)"

    def model(self) -> dict[str, Any]:
        """Returns the balance as JSON for users' servers."""
        return {
            "used": round(self.used, 3),
            "limit": self.limit,
            "renews": self.renews.isoformat(),
            "shared": self.shared,
            "sentence": self.sentence,
        }


def hours(number: float) -> str:
    """Returns hours in words: `12`, `3.4`, `less than 0.1`."""
    if number < 0.1:
        return "less than 0.1"
    # Rounded down: nobody has more than the text says.
    return f"{int(number)}" if number >= 10 else f"{int(number * 10) / 10:g}"


def balance(
    ledger: Ledger,
    usage: Usage,
    user: str,
    groups: Iterable[str],
    *,
    members: Members,
    now: float,
) -> Balance | None:
    """Returns the quota of which the smallest share remains; None if the user has no quota.

    Parameters
    ----------
    ledger
        What was used.
    usage
        The quotas.
    user, groups
        The user and the user's groups.
    members
        Returns the users in any of some groups.
    now
        The moment, in seconds since 1970.

    Raises
    ------
    LedgerError
        If the ledger cannot be read.
    """
    mine = list(groups)
    first, renews = first_day(usage.period, now), renewal(usage.period, now)

    def used(users: Collection[str]) -> float:
        return ledger.used(users, first).cpu_seconds / 3600

    found = [
        Balance(used(members(quota.groups)), quota.cpu_hours, renews, shared=True)
        for quota in usage.shared(mine)
    ]
    own = usage.own(mine)
    if own is not None:
        found.append(Balance(used([user]), own, renews))
    return min(found, key=lambda one: one.left / one.limit, default=None)
