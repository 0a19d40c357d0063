"""How much users may compute, and when an administrator is alerted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from km3settings.section import Section

__all__ = ["Period", "Quota", "Usage"]

Period = Literal["day", "week", "month"]


class Quota(Section):
    """A limit on CPU hours in each period."""

    cpu_hours: float = Field(gt=0, le=1_000_000)
    """CPU hours per period: one busy core uses one in an hour."""
    groups: tuple[str, ...] = ()
    """Groups that it applies to; empty: everybody."""
    shared: bool = False
    """Whether the members of the groups share it; otherwise each member has it."""

    @model_validator(mode="after")
    def _shared_by_somebody(self) -> Self:
        if self.shared and not self.groups:
            raise ValueError("a shared quota needs groups, e.g. groups: [school]")
        return self


class Usage(Section):
    """CPU hours: quotas, and the search for servers that may be misused."""

    period: Period = "month"
    """When quotas renew: `day`, `week` (Monday) or `month`, at 00:00 UTC."""
    quotas: tuple[Quota, ...] = ()
    """Limits; empty: none. Of several for one user, the largest counts; shared ones count too."""
    grace_minutes: int = Field(default=60, ge=0, le=10080)
    """Minutes that a running server may go on once the quota is used up; then it is stopped."""
    alert_hours: float = Field(default=2, ge=0, le=168)
    """Alert the administrator to a server that used all its cores for so many hours while no
    kernel was busy; 0: never. It is not stopped."""
    keep_months: int = Field(default=13, ge=1, le=120)
    """Months after which the usage of each user is deleted; monthly totals are kept."""

    def own(self, groups: Iterable[str]) -> float | None:
        """Returns the CPU hours of a member of `groups` alone; None: no limit."""
        mine = set(groups)
        limits = [
            quota.cpu_hours
            for quota in self.quotas
            if not quota.shared and (not quota.groups or mine & set(quota.groups))
        ]
        return max(limits, default=None)

    def shared(self, groups: Iterable[str]) -> Iterator[Quota]:
        """Yields the quotas that a member of `groups` shares with others."""
        mine = set(groups)
        for quota in self.quotas:
            if quota.shared and mine & set(quota.groups):
                yield quota
