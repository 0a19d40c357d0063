"""Documents from untrusted sources: their bytes and their JSON, limited in size and depth."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from openkm3.alerts.errors import AlertError

# Typical alerts have 2 kB; an embedded sky map (healpix_file) may have some 100 kB.
MAX_BYTES = 4 * 2**20
MAX_DEPTH = 50


def content_of(source: bytes | str | PathLike[str]) -> tuple[bytes, str]:
    """Return the content of a file (or the given bytes), and its name for messages."""
    if isinstance(source, bytes):
        name, content = "alert", source
    else:
        name = str(source)
        with Path(source).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        msg = f"is larger than {MAX_BYTES} bytes, the limit for alerts"
        raise AlertError.single(msg, source=name)
    if not content.strip():
        raise AlertError.single("is empty", source=name)
    return content, name


def parsed_json(document: str | bytes) -> dict[str, Any]:
    """Return the object in a JSON document.

    Raises
    ------
    AlertError
        If it is not a JSON object, or is too large or nested too deeply; the message says where.
    """
    if len(document) > MAX_BYTES:
        raise AlertError.single(f"is larger than {MAX_BYTES} bytes, the limit for alerts")
    try:
        value = json.loads(document, object_pairs_hook=_unique, parse_constant=_no_constant)
        too_deep = _depth(value) > MAX_DEPTH
    except AlertError:
        raise
    except UnicodeDecodeError as error:
        raise AlertError.single(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        msg = f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise AlertError.single(msg) from None
    except RecursionError:
        too_deep = True
    except ValueError:
        # Python refuses to convert integers with thousands of digits.
        raise AlertError.single("has a number with too many digits") from None
    if too_deep:
        raise AlertError.single(f"is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        msg = f"must be a JSON object, {{...}}, not a {type(value).__name__}"
        raise AlertError.single(msg)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse duplicate keys: readers differ in which of the values they use."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise AlertError.single("occurs twice in one object", twice[:80])
    return found


def _no_constant(name: str) -> float:
    raise AlertError.single(f"has {name}, which is not valid JSON: leave the field out")


def _depth(value: object) -> int:
    """Return the nesting depth, without recursion that could exhaust the stack."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        depth, level = depth + 1, inner
    return depth
