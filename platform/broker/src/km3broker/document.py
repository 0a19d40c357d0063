"""Strict JSON: a document that two parsers could read differently is refused.

The engine takes the last of two equal keys and ignores the case of keys. Checking such a
document would check something other than what the engine does.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from km3broker.refusal import Refusal

__all__ = ["parse_object"]

#: No request of the hub is nested more deeply than this.
_MAX_DEPTH = 12


def parse_object(data: bytes) -> dict[str, Any]:
    """Returns the JSON object in `data`.

    Raises
    ------
    Refusal
        If it is not UTF-8, not JSON, not an object, has a key twice (in whatever case), contains
        a number that JSON does not know, half a character, or is nested too deeply.
    """
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant
        )
    except UnicodeDecodeError:
        raise Refusal("the body is not UTF-8", 400) from None
    except (ValueError, RecursionError):
        raise Refusal("the body is not valid JSON", 400) from None
    if not isinstance(found, dict):
        raise Refusal("the body is not a JSON object", 400)
    _require_plain(found, 0)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = set()
    for key, _ in pairs:
        if key.casefold() in seen:
            raise Refusal(f"the key {key[:40]!a} appears twice", 400)
        seen.add(key.casefold())
    return dict(pairs)


def _constant(name: str) -> NoReturn:
    raise Refusal(f"{name} is not a number of JSON", 400)


def _require_plain(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Refusal("the body is nested too deeply", 400)
    if isinstance(value, dict):
        for key, inner in value.items():
            _require_plain(key, depth + 1)
            _require_plain(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, depth + 1)
    elif isinstance(value, str) and any("\ud800" <= c <= "\udfff" or c == "\0" for c in value):
        raise Refusal("the body contains half a character or a NUL", 400)
