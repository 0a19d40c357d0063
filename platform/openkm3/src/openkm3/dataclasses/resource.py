"""Any resource: its file, its bytes and its metadata."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue import Entry
from ..messages import display_markdown, markdown_table
from ..metadata import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..library import Library

PARAMINFO_COLUMNS = ("Parameter", "Name", "Description", "Unit", "Symbol", "Range")


class KM3Object:
    """Any resource; :attr:`path` is its file and :attr:`data` its bytes.

    Attributes
    ----------
    entry : openkm3.catalogue.Entry
        Its entry in the catalogue.
    """

    def __init__(self, entry: Entry, library: Library) -> None:
        self.entry = entry
        self._library = library

    @property
    def identifier(self) -> str:
        """The entry's identifier."""
        return self.entry.identifier

    @property
    def title(self) -> str:
        """The entry's title."""
        return self.entry.title

    @cached_property
    def path(self) -> Path:
        """Path of the file on this computer; the file is downloaded if necessary."""
        return self._library.file(self.entry).file

    @cached_property
    def data(self) -> Any:
        """The content; its type depends on the class."""
        return self.path.read_bytes()

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo."""
        return self.entry.metadata

    @property
    def metadata(self) -> dict[str, Any]:
        """The entry of the catalogue as dict."""
        return self.entry.model_dump(mode="json", exclude_none=True)

    @property
    def conditions(self) -> dict[str, Any] | None:
        """The conditions under which the data were taken and selected."""
        return self.annotation.conditions

    def get_origin(self) -> dict[str, Any]:
        """Return the ranges of time, zenith, ... that the data cover."""
        return self.annotation.origin.plain()

    def get_paraminfo(self) -> dict[str, Any]:
        """Return name, description, unit and symbol of each parameter."""
        return {key: parameter.plain() for key, parameter in self.annotation.paraminfo.items()}

    def show_metadata(self) -> None:
        """Display the metadata as a table."""
        rows = [*_rows(self.metadata, hidden=("children", "tables", "aliases", "metadata"))]
        rows += [*_rows(self.annotation.plain(), hidden=("paraminfo",))]
        display_markdown(f"## {self.title}\n" + markdown_table(("Key", "Value"), rows))

    def show_paraminfo(self) -> None:
        """Display the parameters as a table."""
        rows = [
            (key, p.name, p.description, p.unit, p.symbol, p.range)
            for key, p in self.annotation.paraminfo.items()
        ]
        display_markdown(markdown_table(PARAMINFO_COLUMNS, rows))


def _rows(
    content: dict[str, Any], hidden: tuple[str, ...], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if key in hidden or value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            yield from _rows(value, (), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
