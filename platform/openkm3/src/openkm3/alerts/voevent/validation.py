"""Validation by the IVOA's schema."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from os import PathLike

from openkm3.alerts.documents import content_of
from openkm3.alerts.errors import Problem
from openkm3.alerts.voevent.xml import etree, parsed


@cache
def _schema() -> etree.XMLSchema:
    text = files("openkm3.alerts.voevent").joinpath("VOEvent-v2.0.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def validate_voevent(packet: bytes | str | PathLike[str]) -> list[Problem]:
    """Return the problems of a VOEvent by the IVOA's VOEvent-v2.0.xsd; none if it is valid.

    Parameters
    ----------
    packet : path or bytes
        The file, or its content.

    Raises
    ------
    AlertError
        If it is not XML that can be parsed.
    """
    root = parsed(content_of(packet)[0])
    schema = _schema()
    if schema.validate(root):
        return []
    return [Problem(f"line {entry.line}", entry.message) for entry in schema.error_log]
