"""Who is a participant and who is a teacher: JupyterHub's groups `workshop-NAME[-teachers]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from jupyterhub import orm

from km3hub.login.accounts import AccountsError

__all__ = ["NAME", "attended", "participants", "participants_group", "taught", "teachers_group"]

#: Workshop names in addresses.
NAME = r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?"
_PREFIX, _TEACHERS = "workshop-", "-teachers"


def participants_group(name: str) -> str:
    """Returns the group of a workshop's participants."""
    return f"{_PREFIX}{name}"


def teachers_group(name: str) -> str:
    """Returns the group of a workshop's teachers."""
    return f"{_PREFIX}{name}{_TEACHERS}"


def taught(groups: Iterable[str]) -> list[str]:
    """Returns the names of the workshops whose teacher a member of `groups` is."""
    ends = (name.removesuffix(_TEACHERS) for name in _names(groups) if name.endswith(_TEACHERS))
    return sorted(filter(_valid, ends))


def attended(groups: Iterable[str]) -> list[str]:
    """Returns the names of the workshops that a member of `groups` participates in.

    A group that ends in `-teachers` is always one of teachers. Otherwise the participants of a
    workshop `x-teachers` would be the teachers of `x`.
    """
    return sorted(n for n in _names(groups) if not n.endswith(_TEACHERS) and _valid(n))


def _names(groups: Iterable[str]) -> Iterator[str]:
    return (group.removeprefix(_PREFIX) for group in groups if group.startswith(_PREFIX))


def _valid(name: str) -> bool:
    return re.fullmatch(NAME, name) is not None and not name.endswith(_TEACHERS)


def participants(handler: Any, name: str) -> list[str]:
    """Returns the user names of a workshop's participants, also of those who never logged in.

    Parameters
    ----------
    handler
        A handler of the hub.
    name
        The workshop.
    """
    wanted = participants_group(name)
    group = orm.Group.find(handler.db, wanted)
    found = {user.name for user in group.users} if group else set()
    store = getattr(handler.authenticator, "store", None)
    if store is not None:
        try:
            accounts = store.all()
        except AccountsError:
            accounts = {}
        # The hub learns of changed groups at a user's next request; the file has them already.
        for user, account in accounts.items():
            if account.groups is not None:
                (found.add if wanted in account.groups else found.discard)(user)
    return sorted(found)
