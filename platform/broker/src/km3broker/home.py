"""The volume with a user's files.

A volume of Docker's driver `local` can be any folder of the host, by its options. So a home has
none, neither when it is created nor when it is mounted. A service that makes homes in another way,
for example with a quota, would be allowed here (`require_home`) and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, require_allowed
from km3broker.owner import Owner, Project
from km3broker.refusal import Refusal
from km3settings.names import PROJECT_LABEL, SHARED_LABEL

__all__ = ["home_body", "require_home", "shared_body"]


def home_body(body: Mapping[str, Any], owner: Owner, name: str) -> dict[str, Any]:
    """Returns the home that a request describes, as it may be created.

    Parameters
    ----------
    body
        What the client sent.
    owner
        The user of its labels.
    name
        The name in the body, which is one of this user's.

    Raises
    ------
    Refusal
        Names the first key that is not allowed.
    """
    return _plain(body, name, owner.labels)


def shared_body(body: Mapping[str, Any], project: Project, name: str) -> dict[str, Any]:
    """Returns the volume of a shared folder that a request describes, as it may be created.

    Parameters
    ----------
    body
        What the client sent.
    project
        The platform.
    name
        The name in the body, which is that of a shared folder in platform.yaml.

    Raises
    ------
    Refusal
        Names the first key that is not allowed.
    """
    folder = project.shared_folder(entry(body, "Labels"), name)
    labels = {PROJECT_LABEL: project.names.project, SHARED_LABEL: folder}
    return _plain(body, name, labels)


def _plain(body: Mapping[str, Any], name: str, labels: dict[str, str]) -> dict[str, Any]:
    driver = {"Driver": "local"} if body.get("Driver") else {}
    allowed = {"Name": name, "Labels": labels, **driver}
    require_allowed(allowed, body)
    return allowed


def require_home(volume: Mapping[str, Any]) -> None:
    """Refuse to mount a volume that is more than a folder of the engine.

    Parameters
    ----------
    volume
        As inspected. Its name and labels have been checked.

    Raises
    ------
    Refusal
        If it has another driver or options.
    """
    if volume.get("Driver") != "local" or volume.get("Options"):
        raise Refusal(f"the volume {volume.get('Name')} has a driver or options of its own")
