"""Objects of the engine, inspected before anything is done to them.

A name in a path is resolved once; what follows is done to the identifier that was inspected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.engine import Answer, Engine
from km3broker.owner import Project
from km3broker.refusal import Refusal
from km3broker.request import Request, parse_filters
from km3settings.names import PROJECT_LABEL, USER_LABEL

__all__ = ["Failed", "inspect", "require_own_filter"]


class Failed(Exception):
    """The engine could not do it; its answer goes to the client as it is."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


async def inspect(engine: Engine, request: Request, path: str) -> Mapping[str, Any]:
    """Returns an object as the engine describes it.

    Raises
    ------
    Failed
        With the engine's answer, for example that there is no such object.
    Refusal
        If the answer is not that of an object.
    """
    answer = await engine.ask("GET", request.to(path))
    if not answer.succeeded:
        raise Failed(answer)
    found = answer.data()
    if not isinstance(found, dict):
        raise Refusal("it is not a single object")
    return found


def require_own_filter(request: Request, project: Project) -> str:
    """Returns the filter of a list, which must ask for this project's objects.

    Raises
    ------
    Refusal
        If it asks for others, too.
    """
    labels = parse_filters(request, ["label"]).get("label", [])
    own = f"{PROJECT_LABEL}={project.names.project}"
    others = [label for label in labels if label != own and label.split("=")[0] != USER_LABEL]
    if own not in labels or others:
        raise Refusal("a list must be limited to this project by its label")
    return request.query["filters"]
