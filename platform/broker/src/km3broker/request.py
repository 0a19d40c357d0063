"""One request to the engine, understood beyond doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from km3broker.document import parse_object
from km3broker.refusal import Refusal

__all__ = ["Request", "parse_filters", "parse_request"]

#: API versions of the engines in Debian 12 and later. Older versions took, for example, the
#: configuration of a container in the body of `start`.
_VERSION = re.compile(r"/v1\.(4[1-9]|[5-9][0-9])(?=/)")
#: What names of containers, networks, volumes and images consist of. `%40` is the `@` of an image.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9_:.-]|%40)+)+")
_QUERY = re.compile(r"[A-Za-z0-9_.*+%=&-]*")


@dataclass(frozen=True)
class Request:
    """A well-formed request; it may still be forbidden."""

    method: str
    version: str
    """`/v1.41`, or empty."""
    path: str
    """The rest, such as `/containers/json`, without percent-encoding."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def document(self) -> dict[str, Any]:
        """Returns the body as a JSON object.

        Raises
        ------
        Refusal
            If the body is not an unambiguous JSON object.
        """
        return parse_object(self.body)

    def require_no_body(self) -> None:
        """Refuse a body."""
        if self.body:
            raise Refusal("this request must not have a body")

    def require_query(self, **patterns: str) -> None:
        """Refuse parameters other than these, or with other values than these regular expressions.

        Raises
        ------
        Refusal
            Names the parameter.
        """
        for name, value in self.query.items():
            if name not in patterns:
                raise Refusal(f"the parameter {name} is not allowed")
            if not re.fullmatch(patterns[name], value, re.ASCII):
                raise Refusal(f"the value of the parameter {name} is not allowed")

    def to(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Returns the target of a request to the engine with this request's version."""
        return self.version + path + (f"?{urlencode(query)}" if query else "")


def parse_request(method: str, target: str, body: bytes) -> Request:
    """Returns the request.

    Parameters
    ----------
    method, target
        As in the request line.
    body
        All of it.

    Raises
    ------
    Refusal
        If the method is unknown, or the target is not a plain path: absolute, with `..`,
        empty parts or encoded slashes, with a parameter twice.
    """
    if method not in ("GET", "POST", "DELETE"):
        raise Refusal("the method is not allowed", 405)
    path, _, query = target.partition("?")
    if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise Refusal("the path is not one that the engine's clients send", 400)
    version = _VERSION.match(path)
    start = version.group() if version else ""
    path = path.removeprefix(start).replace("%40", "@")
    if body and method != "POST":
        raise Refusal(f"{method} must not have a body", 400)
    return Request(method, start, path, _parameters(query), body)


def _parameters(query: str) -> dict[str, str]:
    if not _QUERY.fullmatch(query):
        raise Refusal("the query contains characters that must be encoded", 400)
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise Refusal("the query is malformed", 400) from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal("a parameter appears twice", 400)
    return found


def parse_filters(request: Request, allowed: Iterable[str]) -> dict[str, list[str]]:
    """Returns the filters of a list; each has a list of texts.

    Raises
    ------
    Refusal
        If one is not among `allowed`, or has another form.
    """
    names = set(allowed)
    found = parse_object(request.query.get("filters", "{}").encode())
    for name, values in found.items():
        if name not in names:
            raise Refusal(f"the filter {json.dumps(name[:40])} is not allowed")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Refusal(f"the filter {name} must be a list of texts", 400)
    return found
