"""What all sections of `platform.yaml` have in common."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

__all__ = ["Address", "Section", "SiteAddress"]


#: A path that needs no quoting, so that it is the same in links, cookies and logs.
_PATH = re.compile(r"^(/[A-Za-z0-9._~-]+)*$")


def _address(value: str) -> str:
    if not re.match(r"^https?://[^\s/]+(/.*)?$", value):
        raise ValueError("write a complete address, e.g. https://hub.example.org")
    return value.rstrip("/")


def _site_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from None
    if not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(
            "must be scheme, host, port and path only (no '?', '#' or '@'), e.g."
            " https://www.example.org/km3net"
        )
    if not _PATH.match(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise ValueError(
            "has a path with characters other than letters, digits and '-._~'; write e.g."
            " https://www.example.org/km3net"
        )
    return value


#: A complete web address, without a trailing slash.
Address = Annotated[str, AfterValidator(_address)]
#: The address of a service of this site: scheme, host, port and path.
SiteAddress = Annotated[Address, AfterValidator(_site_address)]


class Section(BaseModel):
    """A section of the file; unknown keys are refused, values are immutable."""

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
