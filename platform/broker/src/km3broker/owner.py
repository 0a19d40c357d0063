"""What belongs to the platform, and to which of its users, by name and by label."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from escapism import escape

from km3broker.refusal import Refusal
from km3settings.names import PROJECT_LABEL, SHARED_LABEL, USER_LABEL, Names

__all__ = ["Owner", "Project"]

#: What DockerSpawner leaves of a user's name. Docker's own limit is higher.
_ESCAPED = re.compile(r"[a-z0-9-]{1,200}", re.ASCII)
_NUMBER = r"(?:\.[1-9][0-9]{0,8})?"
_SAFE = frozenset(string.ascii_lowercase + string.digits)


@dataclass(frozen=True)
class Owner:
    """A user of this platform."""

    names: Names
    user: str
    """The user's name."""
    escaped: str
    """The same, as it is in the names of containers and volumes."""

    @property
    def server(self) -> str:
        """The user's container, service and network."""
        return self.names.server(self.escaped)

    def has_home(self, volume: str) -> bool:
        """Returns whether this is the name of the user's volume.

        A name that is given to another person gets another home, with a number: `…-home-ada.2`.
        """
        home = re.escape(self.names.home(self.escaped))
        return bool(re.fullmatch(home + _NUMBER, volume, re.ASCII))

    def scratch_of(self, home: str) -> str:
        """Returns the name of the scratch folder's volume that belongs to a home of this user."""
        return self.names.scratch(home.removeprefix(self.names.home("")))

    def has_volume(self, volume: str) -> bool:
        """Returns whether this is the name of a home or of a scratch folder of this user."""
        scratch = re.escape(self.names.scratch(self.escaped))
        return self.has_home(volume) or bool(re.fullmatch(scratch + _NUMBER, volume, re.ASCII))

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that belongs to this user."""
        return {PROJECT_LABEL: self.names.project, USER_LABEL: self.user}


@dataclass(frozen=True)
class Project:
    """One platform; others on the same engine are none of the broker's business."""

    names: Names

    def owner(self, labels: Mapping[str, Any], name: str, *, volume: bool = False) -> Owner:
        """Returns the user whom labels and name agree on.

        Parameters
        ----------
        labels
            The object's labels, as inspected or as in a body.
        name
            Its name.
        volume
            Whether it is a home or a scratch folder; everything else has the name of a server.

        Raises
        ------
        Refusal
            If it is not a user's of this project, by its labels or by its name.
        """
        self.require_own(labels, name)
        user = labels.get(USER_LABEL)
        if not isinstance(user, str) or not user:
            raise Refusal(f"{name} does not belong to a user: it has no label {USER_LABEL}")
        escaped = escape(user, _SAFE, escape_char="-").lower()
        owner = Owner(self.names, user, escaped)
        belongs = owner.has_volume(name) if volume else name == owner.server
        if not _ESCAPED.fullmatch(escaped) or not belongs:
            raise Refusal(f"{name} is not the name that belongs to the user in its labels")
        return owner

    def shared_folder(self, labels: Mapping[str, Any], name: str) -> str:
        """Returns the shared folder that labels and name of a volume agree on.

        Raises
        ------
        Refusal
            If it is none of this project, or belongs to a user.
        """
        self.require_own(labels, name)
        folder = labels.get(SHARED_LABEL)
        if not isinstance(folder, str) or USER_LABEL in labels or name != self.names.shared(folder):
            raise Refusal(f"{name} is not the name that belongs to the shared folder in its labels")
        return folder

    def require_own(self, labels: Mapping[str, Any], name: str) -> None:
        """Refuse an object without this project's label.

        Raises
        ------
        Refusal
            If the label is missing or names another project.
        """
        if labels.get(PROJECT_LABEL) != self.names.project:
            raise Refusal(f"{name} is not part of the platform {self.names.project}")
