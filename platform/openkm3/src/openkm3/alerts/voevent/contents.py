"""The contents of a packet that no field of an alert holds; they are kept unchanged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from openkm3.alerts.voevent.params import EXACT, raw
from openkm3.alerts.voevent.xml import child, children, etree, text

_ATTRIBUTES = ("unit", "ucd", "dataType", "utype")


def kind_of(group: etree._Element) -> str:
    """Return ``event`` or ``counterpart`` for such groups of our packets, otherwise empty."""
    for kind in ("event", "counterpart"):
        if group.get("type") == kind or group.get("name", "").startswith(f"{kind}_"):
            return kind
    return ""


def params_beyond(
    what: etree._Element | None, known: Mapping[str, Collection[str]]
) -> list[dict[str, Any]]:
    """Return the Params of a packet that no field of an alert holds.

    Parameters
    ----------
    what : element
        ``What`` of the packet.
    known : mapping
        Names of Params that are fields: of the packet (key ``""``), and of its events and
        counterparts (see `kind_of`).

    Returns
    -------
    list of dict
        ``name`` and ``value`` (the original text), ``group`` (names from outer to inner, joined by
        ``/``), and the attributes ``unit``, ``ucd``, ``dataType``, ``utype`` if present.
    """
    return list(_params(what, "", "", known))


def tables_of(what: etree._Element | None) -> list[dict[str, Any]]:
    """Return the Tables of a packet: name, fields (name and attributes), rows of text."""
    tables = []
    for table in children(what, "Table"):
        fields = [
            {"name": field.get("name", "")} | _attributes(field)
            for field in children(table, "Field")
        ]
        rows = [
            [text(cell) for cell in children(row, "TD")]
            for row in children(child(table, "Data"), "TR")
        ]
        tables.append({"name": table.get("name", ""), "fields": fields, "rows": rows})
    return tables


def _params(
    parent: etree._Element | None, path: str, kind: str, known: Mapping[str, Collection[str]]
) -> Iterator[dict[str, Any]]:
    for element in children(parent, "Param"):
        name = element.get("name", "")
        if known and name.startswith(EXACT):
            continue
        if name not in (known.get(kind, ()) if kind or not path else ()):
            entry = {"group": path, "name": name, "value": raw(element)}
            yield entry | _attributes(element)
    for group in children(parent, "Group"):
        inner = group.get("name") or group.get("type") or "group"
        yield from _params(group, f"{path}/{inner}" if path else inner, kind_of(group), known)


def _attributes(element: etree._Element) -> dict[str, str]:
    return {name: element.get(name, "") for name in _ATTRIBUTES if element.get(name)}
