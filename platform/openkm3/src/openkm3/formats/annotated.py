"""Annotated JSON (lookup tables, functions): its metadata, and the content, which has no rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import FormatError, MetadataError
from ..metadata import Annotation
from ..metadata.content import Content, LookupContent, PolynomialContent
from . import limits
from .dataset import DataSet


def read(path: Path) -> DataSet:
    """Check the document and return its metadata; `read_document` also returns the content."""
    annotation, _ = read_document(path)
    return DataSet({}, annotation)


def read_document(path: Path) -> tuple[Annotation, Content]:
    """Read an annotated JSON file.

    Raises
    ------
    FormatError
        If it is not JSON, or neither a lookup table nor a function; the message says where.
    """
    try:
        data: Any = json.loads(limits.document(path))
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except ValueError as error:
        raise FormatError(path, f"is not JSON, or is truncated: {error}") from None
    if not isinstance(data, dict) or "content" not in data:
        raise FormatError(path, "has no 'content', so it is neither a lookup table nor a function")
    content = data.pop("content")
    try:
        annotation = Annotation.parse(data)
        model = PolynomialContent if "functiontype" in content else LookupContent
        return annotation, model.model_validate(content)
    except MetadataError as error:
        raise FormatError(path, str(error)) from None
    except (ValidationError, TypeError) as error:
        if isinstance(error, TypeError):
            raise FormatError(path, "content is not a JSON object") from None
        first = error.errors(include_url=False)[0]
        place = ".".join(("content", *(str(part) for part in first["loc"])))
        raise FormatError(path, f"{place}: {first['msg']}") from None


def write_document(annotation: Annotation, content: Content, path: Path) -> None:
    """Write an annotated JSON file; it appears when it is complete."""
    data = annotation.plain() | {"content": content.model_dump(mode="json", exclude_none=True)}
    with limits.complete(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
