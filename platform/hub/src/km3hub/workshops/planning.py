"""Who gets which account: the same input gives the same accounts, however often it is run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from km3hub.membership.names import WorkshopError, participant_name, teacher_name
from km3hub.membership.record import Member, Role
from km3hub.workshops.roster import LARGEST, Person

__all__ = ["plan"]

_NAMES: dict[Role, Callable[[str, int], str]] = {
    "participant": participant_name,
    "teacher": teacher_name,
}


def plan(
    workshop: str,
    existing: Sequence[Member],
    people: Sequence[Person],
    *,
    participants: int,
    teachers: int,
    taken: Collection[str],
) -> list[Member]:
    """Returns the members to be added, in the order of their accounts.

    Parameters
    ----------
    workshop
        The workshop's name.
    existing
        Its members so far; they stay as they are.
    people
        The roster. A person who is a member already is recognised by account, e-mail address or
        name, in this order.
    participants, teachers
        The number of accounts in the end, those of the roster included.
    taken
        The names of all accounts of the platform.

    Raises
    ------
    WorkshopError
        Where an account exists that is not of this workshop, or there would be too many.
    """
    known = {member.key for member in existing if member.key}
    own = {member.account for member in existing}
    used = set(own)
    new: list[Member] = []
    for person in people:
        if person.key in known or person.account in own:
            continue
        account = person.account or _next(workshop, person.role, used)
        if account in used:
            raise WorkshopError(
                f"line {person.line} of the roster asks for the account {account}, which is"
                " another person's in this workshop"
            )
        used.add(account)
        new.append(
            Member(
                workshop=workshop,
                account=account,
                role=person.role,
                key=person.key,
                name=person.name,
                email=person.email,
            )
        )
    numbers: dict[Role, int] = {"participant": participants, "teacher": teachers}
    for role, number in numbers.items():
        new += _unnamed(workshop, role, number, [*existing, *new], used)
    if len(existing) + len(new) > LARGEST:
        raise WorkshopError(
            f"the workshop {workshop} would have {len(existing) + len(new)} accounts; at most"
            f" {LARGEST} are possible"
        )
    _refuse_taken(workshop, sorted({member.account for member in new} & set(taken)))
    return sorted(new, key=lambda member: (member.role, len(member.account), member.account))


def _unnamed(
    workshop: str, role: Role, number: int, members: Iterable[Member], used: set[str]
) -> list[Member]:
    missing = number - sum(member.role == role for member in members)
    found = []
    for _ in range(missing):
        account = _next(workshop, role, used)
        used.add(account)
        found.append(Member(workshop=workshop, account=account, role=role))
    return found


def _next(workshop: str, role: Role, used: Collection[str]) -> str:
    """Returns the first account that is not used."""
    numbers = range(1, len(used) + 2)
    names = (_NAMES[role](workshop, number) for number in numbers)
    return next(name for name in names if name not in used)


def _refuse_taken(workshop: str, taken: Sequence[str]) -> None:
    if taken:
        more = f" and {len(taken) - 5} more" if len(taken) > 5 else ""
        raise WorkshopError(
            f"these accounts exist already and are not of the workshop {workshop}:"
            f" {', '.join(taken[:5])}{more}. Nothing was changed; choose another name for the"
            " workshop or for the accounts in the roster"
        )
