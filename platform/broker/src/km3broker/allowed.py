"""Compares the body of a request with the only one that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.refusal import Refusal

__all__ = ["entry", "require_allowed", "text"]

#: A missing key means the same to the engine as one of these values. Such keys are not passed on.
#: An empty list is not among them: that of `MaskedPaths` uncovers the kernel's files.
_NOTHING: tuple[Any, ...] = (None, False, 0, "")
#: Lists that clients send even if they are empty; they mean nothing then.
_EMPTY = ("Links", "Mounts")


def require_allowed(allowed: object, found: object, where: str = "") -> None:
    """Refuse `found` unless it equals `allowed`.

    Parameters
    ----------
    allowed
        What may be sent: plain data as JSON has it.
    found
        What was sent. It may have further keys only if their values mean nothing.
    where
        The path of both in the body, for the message.

    Raises
    ------
    Refusal
        Names the first difference, without its value.
    """
    if isinstance(allowed, dict):
        if not isinstance(found, dict):
            raise Refusal(f"{where or 'the body'} must be an object")
        for key in found.keys() - allowed.keys():
            if not _is_nothing(found[key]) and not (key in _EMPTY and found[key] == []):
                raise Refusal(f"{_path(where, key)} is not allowed")
        for key, value in allowed.items():
            require_allowed(value, found.get(key), _path(where, key))
    elif isinstance(allowed, list):
        if not isinstance(found, list) or len(found) != len(allowed):
            raise Refusal(f"{where} must have {len(allowed)} entries, the allowed ones")
        for number, (one, other) in enumerate(zip(allowed, found, strict=True)):
            require_allowed(one, other, f"{where}[{number}]")
    elif type(allowed) is not type(found) or allowed != found:
        raise Refusal(f"{where} has a value that is not allowed")


def _is_nothing(value: object) -> bool:
    return any(type(value) is type(nothing) and value == nothing for nothing in _NOTHING)


def _path(where: str, key: str) -> str:
    # A key may be anything that a client sends.
    return f"{where}.{key}".lstrip(".")[:200].encode("ascii", "backslashreplace").decode()


def entry(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns the object at `key`; an empty one where there is none."""
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def text(value: object) -> str:
    """Returns `value` if it is text, else an empty string, which no rule allows."""
    return value if isinstance(value, str) else ""
