"""Mistakes in the configuration file, told in words that lead to their mending."""

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
    """The section that `location` leads to; None where it is a plain value."""
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
    """`, e.g. key: value` with the default, where the key has a default that shows something."""
    model = _model(settings, location[:-1])
    key = location[-1] if location else None
    if model is None or not isinstance(key, str) or key not in model.model_fields:
        return ""
    default = model.model_fields[key].default
    if not isinstance(default, (str, int, float)) or default == "":
        return ""
    return f", e.g. {key}: {default}"


def _wanted(settings: type[BaseModel], location: Location) -> str:
    """What to write for a key that is missing."""
    model = _model(settings, location[:-1])
    key = str(location[-1])
    examples = model.model_fields[key].examples if model else None
    return f"write e.g. {key}: {examples[0]}" if examples else "every entry needs it"


#: What to do about values of the wrong type, by pydantic's name of the error.
_RIGHT_TYPE = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list; write each entry on a line of its own that starts with '- '",
}


def _said(value: object) -> str:
    """What the file says, where that is short enough to be of use."""
    if not isinstance(value, (str, int, float, bool)):
        return ""
    given = json.dumps(value, ensure_ascii=False)
    return f" (it says {given})" if len(given) <= 60 else f" (it says {given[:40]}...)"


def explain(error: Any, settings: type[BaseModel]) -> str:
    """One finding of pydantic as a line: the key's path, what is wrong, what is right.

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
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return f"{path}: unknown key; {hint}"
    if kind == "invalid_key":
        return f"{path}: the key must be text; put it in quotes or remove it"
    if kind == "missing":
        return f"{path}: is missing; {_wanted(settings, location)}"
    if kind == "model_type":
        model = _model(settings, location)
        keys = ", ".join(model.model_fields) if model else ""
        return f"{path}: must hold keys on lines of their own, indented: {keys}{_said(value)}"
    if kind in _RIGHT_TYPE:
        return f"{path}: {_RIGHT_TYPE[kind]}{_example(settings, location)}{_said(value)}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if kind.startswith("string_too"):
        message = message.replace("String should have", "must have")
    return f"{path}: {message}{_said(value)}"


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error; plain YAML drops the first silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            text = getattr(key, "value", None)
            if isinstance(text, str):
                if text in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {text!r} stands twice; keep one",
                        problem_mark=key.start_mark,
                    )
                seen.add(text)
        return super().construct_mapping(node, deep)


def yaml_problem(error: yaml.MarkedYAMLError) -> str:
    """Where and why a text is not YAML, for people who do not know YAML's own words."""
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = error.problem or "cannot be understood"
    if "'\\t'" in problem:
        return f"{where}a tab; indent with spaces"
    if problem == "mapping values are not allowed here":
        return (
            f"{where}a ':' where none can stand; check the indentation, quote text that holds ': '"
        )
    hint = "; check the indentation, and that each ':' is followed by a space"
    return f"{where}{problem}{hint if 'expected' in problem or 'could not' in problem else ''}"


def read_yaml(text: str) -> object:
    """The data of a YAML text.

    Raises
    ------
    yaml.YAMLError
        Where it is not YAML, or a key stands twice.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader
