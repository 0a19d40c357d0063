"""What the handlers of containers, networks, volumes and a swarm have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from km3broker.allowed import entry
from km3broker.engine import Answer, Engine
from km3broker.objects import inspect
from km3broker.owner import Owner, Project
from km3broker.refusal import Refusal
from km3broker.request import Request
from km3broker.rules_file import RulesFile

__all__ = ["Handlers", "as_json", "require_tail"]


@dataclass(frozen=True)
class Handlers:
    """Handles one kind of requests.

    Parameters
    ----------
    engine
        Where allowed requests go.
    project
        Whose objects these are.
    rules
        What may be created.
    """

    engine: Engine
    project: Project
    rules: RulesFile

    async def require_network(self, request: Request, owner: Owner) -> None:
        """Refuse a server whose network is missing or belongs to another user.

        Raises
        ------
        Failed
            With the engine's answer, if there is no such network.
        Refusal
            If the network belongs to another user.
        """
        network = await inspect(self.engine, request, f"/networks/{owner.server}")
        if self.project.owner(entry(network, "Labels"), network["Name"]) != owner:
            raise Refusal(f"the network {owner.server} belongs to somebody else")


def as_json(found: Mapping[str, Any] | Sequence[Any]) -> Answer:
    """Returns an answer with this content."""
    return Answer(200, "application/json", json.dumps(found).encode())


def require_tail(request: Request) -> None:
    """Refuse a request for a log without a limit on the number of lines.

    Raises
    ------
    Refusal
        If the parameter `tail` is missing.
    """
    if "tail" not in request.query:
        raise Refusal("the number of lines must be limited by tail")
