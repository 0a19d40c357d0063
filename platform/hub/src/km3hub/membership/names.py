"""Names of workshops, of their groups and of their accounts."""

from __future__ import annotations

import re

__all__ = [
    "WorkshopError",
    "participant_name",
    "participants_group",
    "teacher_name",
    "teachers_group",
    "workshop_name",
]

#: Short enough that `NAME-teacher-99` and `NAME-1000` are names of accounts (32 characters).
_PATTERN = re.compile(r"[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?", re.ASCII)
_TEACHERS = "-teachers"


class WorkshopError(Exception):
    """Something about a workshop is wrong or fails; the message says what, and what to do."""


def workshop_name(text: str) -> str:
    """Returns the name of a workshop in lower case.

    Raises
    ------
    WorkshopError
        Where it is not valid.
    """
    name = text.lower() if len(text) <= 20 else ""
    # Otherwise the group of `x-teachers` would be that of the teachers of `x`.
    if not _PATTERN.fullmatch(name) or name.endswith(_TEACHERS) or "--" in name:
        shown = text if len(text) <= 32 else f"{text[:16]}... ({len(text)} characters)"
        raise WorkshopError(
            f"{shown!r} is not a valid workshop name: use up to 20 letters (a-z), digits and single"
            " '-', starting with a letter and not ending with '-' or '-teachers', e.g. school-2027"
        )
    return name


def participants_group(workshop: str) -> str:
    """Returns the group of a workshop's participants."""
    return f"workshop-{workshop}"


def teachers_group(workshop: str) -> str:
    """Returns the group of a workshop's teachers."""
    return f"workshop-{workshop}{_TEACHERS}"


def participant_name(workshop: str, number: int) -> str:
    """Returns the account of participant NUMBER, e.g. `school-07`."""
    return f"{workshop}-{number:02d}"


def teacher_name(workshop: str, number: int) -> str:
    """Returns the account of teacher NUMBER, e.g. `school-teacher-1`."""
    return f"{workshop}-teacher-{number}"
