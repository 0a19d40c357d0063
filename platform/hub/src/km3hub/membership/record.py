"""What is known of a workshop and its members."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from km3hub.membership.names import participants_group, teachers_group

__all__ = ["Invitation", "Member", "Role", "State", "Workshop"]

Role = Literal["participant", "teacher"]
#: `closing`: `km3hub workshop close` has begun; `closed`: nothing of it is left but downloads.
State = Literal["open", "closing", "closed"]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """A workshop."""

    name: str
    created: datetime
    until: datetime
    """The time from which its accounts are expired."""
    environment: str
    size: str
    state: State = "open"

    @property
    def participants(self) -> str:
        """The group of its participants."""
        return participants_group(self.name)

    @property
    def teachers(self) -> str:
        """The group of its teachers."""
        return teachers_group(self.name)

    def group(self, role: Role) -> str:
        """Returns the group of a role."""
        return self.teachers if role == "teacher" else self.participants

    def over(self, now: datetime | None = None) -> bool:
        """Returns whether its accounts are expired, or it was closed."""
        return self.state != "open" or (now or datetime.now(UTC)) >= self.until


@dataclass(frozen=True, kw_only=True)
class Member:
    """A participant or teacher with an account of this platform, or a guest of a provider."""

    workshop: str
    account: str
    role: Role = "participant"
    key: str = ""
    """What identifies the person in the roster; empty for accounts without a person."""
    name: str = ""
    """The person's name, for the handout."""
    email: str = ""
    guest: bool = True
    """Whether the person has access to the platform because of the workshop only."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """Who of a provider's users may take part."""

    workshop: str
    kind: Literal["email", "group"]
    value: str
    """A verified e-mail address in lower case, or a group of the provider."""
    role: Role = "participant"
    name: str = field(default="")
