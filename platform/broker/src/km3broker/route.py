"""Which handler answers which request; a request that no route matches is refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from km3broker.engine import Answer
from km3broker.refusal import Refusal
from km3broker.request import Request

__all__ = ["BOOLEAN", "NAME", "NO", "NUMBER", "Route", "find"]

#: A name or an identifier in a path.
NAME = r"([A-Za-z0-9][A-Za-z0-9_.-]{0,254})"
#: Values of parameters, as regular expressions.
BOOLEAN = "0|1|True|False|true|false"
NO = "0|False|false"
NUMBER = "[0-9]{1,4}"

Handler = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """A kind of request.

    Parameters
    ----------
    method
        The method.
    pattern
        A regular expression for the path; what its groups match is given to the handler.
    handler
        Returns the answer, or raises `Refusal`.
    """

    method: str
    pattern: str
    handler: Handler


def find(routes: Iterable[Route], request: Request) -> Awaitable[Answer]:
    """Returns the awaitable answer of the matching route.

    Raises
    ------
    Refusal
        If none does.
    """
    for route in routes:
        match = re.fullmatch(route.pattern, request.path, re.ASCII)
        if match and route.method == request.method:
            return route.handler(request, *match.groups())
    raise Refusal("it is not among the requests that the platform needs")
