"""What users choose from when they start a server: environments and sizes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator

from km3settings.amounts import Memory, in_bytes
from km3settings.section import Section

__all__ = ["ENVIRONMENTS", "SIZES", "Environment", "Size"]

_LEAST_MEMORY = 256 * 1024**2
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}$")


def _name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError(
            "use lower-case letters, digits and '-', starting with a letter, e.g. stack"
        )
    return value


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": _NAME.pattern, "examples": ["stack"]}),
]

#: What Docker accepts as the name of an image: registry, path, tag and digest.
_IMAGE = re.compile(
    r"^([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?"
    r"(@[\w.+:-]+)?$",
    re.ASCII,
)


def _image(value: str) -> str:
    if not _IMAGE.match(value):
        raise ValueError("is not a valid image name; write e.g. registry.example.org/mine:1.0")
    return value


Image = Annotated[str, AfterValidator(_image)]


class Environment(Section):
    """A choice in the environment menu."""

    name: Name
    """Its name in addresses, in the API and (embedded) of its folder."""
    title: str = Field(min_length=1, max_length=60)
    description: str = Field(default="", max_length=200)
    image: Image
    """The image to start (containers)."""
    groups: tuple[str, ...] = ()
    """Groups that may choose it; empty: everybody."""


class Size(Section):
    """A choice in the size menu."""

    name: Name
    title: str = ""
    memory: Memory
    """Memory limit, including swap, e.g. 2G."""
    cpu: float = Field(ge=0.01, le=256)
    """Limit on processor cores, e.g. 1 or 0.5."""
    groups: tuple[str, ...] = ()
    """Groups that may choose it; empty: everybody."""

    @field_validator("memory")
    @classmethod
    def _a_server_fits(cls, memory: str) -> str:
        if in_bytes(memory) < _LEAST_MEMORY:
            raise ValueError("is too little for a notebook server; write at least 256M")
        return memory


#: The default menus.
ENVIRONMENTS = (
    Environment(
        name="stack",
        title="KM3NeT stack",
        description="Read and analyse KM3NeT events: km3io, km3pipe, astropy, pyvo.",
        image="km3net/stack",
    ),
    Environment(
        name="joint",
        title="Joint analysis",
        description="The KM3NeT stack with gammapy and naima, for neutrinos and gamma rays.",
        image="km3net/joint",
    ),
)
SIZES = (
    Size(name="small", title="Small", memory="2G", cpu=1),
    Size(name="large", title="Large", memory="4G", cpu=2),
)
