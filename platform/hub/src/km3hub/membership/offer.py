"""Which environment and size the groups of workshops give access to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from km3hub.membership.names import participants_group
from km3hub.membership.store import WorkshopStore
from km3settings.state import State

__all__ = ["WorkshopOffer", "workshop_offer"]

_START = participants_group("")


@dataclass(frozen=True)
class WorkshopOffer:
    """What workshops offer to a user, who may choose it whatever groups it is for."""

    environments: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    only: bool = False
    """Whether the user may choose nothing else."""


def workshop_offer(state: State, groups: Iterable[str]) -> WorkshopOffer:
    """Returns what workshops offer to a member of `groups`.

    Who is in the groups of participants only gets only this; teachers, and users with other groups,
    get it in addition, and first.

    Raises
    ------
    WorkshopError
        Where the file of workshops cannot be used.
    """
    mine = set(groups)
    if not any(group.startswith(_START) for group in mine):
        return WorkshopOffer()
    every = WorkshopStore(state.workshops_file).all()
    known = [one for one in every if mine & {one.participants, one.teachers}]
    offers = [one for one in known if one.state == "open"]
    return WorkshopOffer(
        tuple(dict.fromkeys(one.environment for one in offers)),
        tuple(dict.fromkeys(one.size for one in offers)),
        only=bool(offers) and mine <= {one.participants for one in known},
    )
