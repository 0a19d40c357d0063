"""Messages about mistakes in the configuration file: what is wrong, and what to write instead."""

from __future__ import annotations

import difflib
import json
import typing
from typing import Any

import yaml
from pydantic import BaseModel

__all__ = ["explain", "read_yaml", "yaml_problem"]

Location = tuple[int | str, ...]


def _path(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _model(settings: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """Returns the section at `location`; None if it is a plain value."""
    model = settings
    for part in location:
        if isinstance(part, int):
            continue
        if part not in model.model_fields:
            return None
        annotation = model.model_fields[part].annotation
        found = [a for a in (annotation, *typing.get_args(annotation)) if isinstance(a, type)]
        inner = next((a for a in found if issubclass(a, BaseModel)), None)
        if inner is None:
            return None
        model = inner
    return model


def _example(settings: type[BaseModel], location: Location) -> str:
    """Returns `, e.g. key: value` with the key's default; empty if that is no example."""
    model = _model(settings, location[:-1])
    key = location[-1] if location else None
    if model is None or not isinstance(key, str) or key not in model.model_fields:
        return ""
    default = model.model_fields[key].default
    if not isinstance(default, (str, int, float)) or default == "":
        return ""
    return f", e.g. {key}: {default}"


def _wanted(settings: type[BaseModel], location: Location) -> str:
    """Returns what to write for a missing key."""
    model = _model(settings, location[:-1])
    key = str(location[-1])
    examples = model.model_fields[key].examples if model else None
    return f"write e.g. {key}: {examples[0]}" if examples else "every entry needs one"


#: Messages for values of the wrong type, by pydantic's error type.
_RIGHT_TYPE = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list; write each entry on its own line, starting with '- '",
}


def _quoted(value: object) -> str:
    """The value in the file, for the end of a message; empty if it is not a plain value."""
    if not isinstance(value, (str, int, float, bool)):
        return ""
    given = json.dumps(value, ensure_ascii=False)
    return f" (found {given})" if len(given) <= 60 else f" (found {given[:40]}...)"


def explain(error: Any, settings: type[BaseModel]) -> str:
    """Returns one validation error as a line: the key's path, what is wrong, what is right.

    Parameters
    ----------
    error
        An entry of `ValidationError.errors()`.
    settings
        The model that was checked.
    """
    location: Location = error["loc"]
    path = _path(location) or "the file"
    kind = error["type"]
    value = error.get("input")
    if kind == "extra_forbidden":
        model = _model(settings, location[:-1])
        known = list(model.model_fields) if model else []
        close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return f"{path}: unknown key; {hint}"
    if kind == "invalid_key":
        return f"{path}: the key must be text; put it in quotes or remove it"
    if kind == "missing":
        return f"{path}: is missing; {_wanted(settings, location)}"
    if kind == "model_type":
        model = _model(settings, location)
        keys = ", ".join(model.model_fields) if model else ""
        return f"{path}: must contain indented keys, one per line: {keys}{_quoted(value)}"
    if kind in _RIGHT_TYPE:
        return f"{path}: {_RIGHT_TYPE[kind]}{_example(settings, location)}{_quoted(value)}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if kind.startswith("string_too"):
        message = message.replace("String should have", "must have")
    return f"{path}: {message}{_quoted(value)}"


class _Loader(yaml.SafeLoader):
    """YAML in which a duplicate key is an error; plain YAML silently drops the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            text = getattr(key, "value", None)
            if isinstance(text, str):
                if text in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {text!r} appears twice; remove one",
                        problem_mark=key.start_mark,
                    )
                seen.add(text)
        return super().construct_mapping(node, deep)


def yaml_problem(error: yaml.MarkedYAMLError) -> str:
    """Returns where and why a text is not YAML, without YAML's jargon."""
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = error.problem or "cannot be parsed"
    if "'\\t'" in problem:
        return f"{where}a tab; indent with spaces"
    if problem == "mapping values are not allowed here":
        return (
            f"{where}a ':' is not allowed here; check the indentation, and quote text that"
            " contains ': '"
        )
    hint = "; check the indentation, and that each ':' is followed by a space"
    return f"{where}{problem}{hint if 'expected' in problem or 'could not' in problem else ''}"


def read_yaml(text: str) -> object:
    """Returns the data of a YAML text.

    Raises
    ------
    yaml.YAMLError
        If it is not YAML, or a key appears twice.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader
