"""The JSON files that the playbooks write below `/etc/km3net`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import dacite

from km3host.errors import ConfigurationError

__all__ = ["load", "parse", "parse_text"]

Model = TypeVar("Model")


def load(path: Path, model: type[Model]) -> Model:
    """Return the contents of a configuration file.

    Parameters
    ----------
    path
        A JSON file.
    model
        The dataclass that describes it.

    Raises
    ------
    ConfigurationError
        If the file is missing, is not JSON, or a value is missing or of the wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}); run as root, or run the playbook site"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not a text file; run the playbook site") from None
    return parse_text(text, model, source=str(path))


def _number(value: Any) -> Any:
    """Return a whole number as a float: JSON does not tell 1 from 1.0."""
    return float(value) if type(value) is int else value


def parse_text(text: str, model: type[Model], *, source: str) -> Model:
    """Return a JSON text as a `model`; `source` names it in errors.

    Raises
    ------
    ConfigurationError
        If it is not JSON, or a value is missing or of the wrong type.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{source} is not JSON ({error}); run the playbook site") from None
    return parse(data, model, source=source)


def parse(data: Any, model: type[Model], *, source: str) -> Model:
    """Return `data` as a `model`; `source` names it in errors.

    Keys that the model does not have are ignored: a newer release may have written the file.

    Raises
    ------
    ConfigurationError
        If a value is missing or of the wrong type.
    """
    if not isinstance(data, dict):
        raise ConfigurationError(f"{source} is not a JSON object; run the playbook site")
    try:
        return dacite.from_dict(model, data, dacite.Config(type_hooks={float: _number}))
    except (dacite.DaciteError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{source}: {error}; run the playbook site") from None
