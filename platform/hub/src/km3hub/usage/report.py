"""The usage report of a month, without personal data unless asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from km3hub.usage.ledger import Ledger, Used

__all__ = ["Report", "report", "table"]

_GB = 1e9


@dataclass(frozen=True)
class Report:
    """Usage in a month. Hours and GB (10⁹ bytes)."""

    month: str
    users: int
    """Users whose server ran in this month."""
    server_hours: float
    cpu_hours: float
    homes_gb: float | None
    """Size of all homes at the last measurement in this month; None: not measured."""
    days: list[dict[str, Any]]
    """`day`, `users`, `server_hours` and `cpu_hours` of each day on which a server ran."""
    by_user: list[dict[str, Any]] | None = None
    """`user`, `server_hours`, `cpu_hours` and `home_gb` of each user, where that was asked for."""

    def model(self) -> dict[str, Any]:
        """Returns the report as JSON."""
        found = asdict(self)
        if self.by_user is None:
            del found["by_user"]
        return found


def report(ledger: Ledger, month: str, *, by_user: bool = False) -> Report:
    """Returns the report of a month such as `2026-11`.

    Raises
    ------
    LedgerError
        If the ledger cannot be read.
    """
    total = ledger.total(month)
    homes = ledger.homes_bytes(month)
    return Report(
        month=month,
        users=total.users,
        **_hours(total),
        homes_gb=None if homes is None else round(homes / _GB, 3),
        days=[
            {"day": day, "users": used.users, **_hours(used)}
            for day in ledger.days(month)
            for used in [ledger.total(day)]
        ],
        by_user=_users(ledger, month) if by_user else None,
    )


def _users(ledger: Ledger, month: str) -> list[dict[str, Any]]:
    rows = []
    for user, used in ledger.per_user(month).items():
        size = ledger.home_bytes(user)
        rows.append(
            {
                "user": user,
                **_hours(used),
                "home_gb": None if size is None else round(size / _GB, 3),
            }
        )
    return rows


def _hours(used: Used) -> dict[str, float]:
    return {
        "server_hours": round(used.server_seconds / 3600, 3),
        "cpu_hours": round(used.cpu_seconds / 3600, 3),
    }


def table(found: Report) -> str:
    """Returns the report as text for people."""
    rows = [("DAY", "USERS", "SERVER HOURS", "CPU HOURS")]
    rows += [
        (d["day"], str(d["users"]), f"{d['server_hours']:.1f}", f"{d['cpu_hours']:.1f}")
        for d in found.days
    ]
    rows.append(
        (found.month, str(found.users), f"{found.server_hours:.1f}", f"{found.cpu_hours:.1f}")
    )
    homes = "not measured" if found.homes_gb is None else f"{found.homes_gb:.1f} GB"
    parts = [_columns(rows), f"Homes: {homes}."]
    if found.by_user is not None:
        users = [("USER", "SERVER HOURS", "CPU HOURS", "HOME")]
        for row in found.by_user:
            home = "-" if row["home_gb"] is None else f"{row['home_gb']:.1f} GB"
            hours = (f"{row['server_hours']:.1f}", f"{row['cpu_hours']:.1f}")
            users.append((row["user"], *hours, home))
        parts.append(_columns(users))
    return "\n\n".join(parts)


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join(lines)
