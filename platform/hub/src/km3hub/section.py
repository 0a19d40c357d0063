"""What all sections of `platform.yaml` have in common."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

__all__ = ["Address", "Section"]


def _address(value: str) -> str:
    if not re.match(r"^https?://[^\s/]+(/.*)?$", value):
        raise ValueError("write a whole address, e.g. https://hub.example.org")
    return value.rstrip("/")


#: A whole web address, without a slash at its end.
Address = Annotated[str, AfterValidator(_address)]


class Section(BaseModel):
    """A part of the file: no unknown keys, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: object) -> object:
        # `site:` with every line below it commented out is read as null.
        if not isinstance(data, dict):
            return data
        fields = cls.model_fields
        return {
            key: value
            for key, value in data.items()
            if value is not None or key not in fields or fields[key].is_required()
        }
