"""The alert of a VOEvent, read tolerantly.

Accepted beyond the standard, since published packets have it: elements in any namespace or order,
several radii (``Error2Radius50``, ``68``, ``90``, ``99``), energies in any unit of energy, a
missing Param where another element says the same.
"""

from __future__ import annotations

import re
from os import PathLike
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from openkm3.alerts.errors import AlertError, problems_of
from openkm3.alerts.model import ROLES, Alert
from openkm3.alerts.times import gcn_time
from openkm3.alerts.voevent.params import ALERT, COUNTERPART, ENERGY, EVENT, read_params
from openkm3.alerts.voevent.xml import (
    child,
    children,
    etree,
    local_name,
    parsed,
    path_of,
    text,
)

TENSES = {"test": "test", "utility": "commanded", "prediction": "planned"}
TYPES = {"supersedes": "update", "retraction": "retraction"}
_RADII = {"": "ra_dec_error", "90": "ra_dec_error"} | {
    number: f"src_error_{number}" for number in ("50", "68", "99")
}


def from_voevent(packet: bytes | str | PathLike[str]) -> Alert:
    """Return the alert that a VOEvent describes.

    Parameters
    ----------
    packet : path or bytes
        The file, or what is in it.

    Returns
    -------
    Alert
        For a packet of `to_voevent` the very alert that was written.

    Raises
    ------
    AlertError
        It is no VOEvent 2, a value cannot be understood, or two parts contradict each other.
    """
    from openkm3.alerts.documents import content_of

    content, name = content_of(packet)
    try:
        return _alert(parsed(content))
    except AlertError as error:
        raise error.of(name) from None


def _alert(root: etree._Element) -> Alert:
    if local_name(root) != "VOEvent":
        raise AlertError.single("is not a VOEvent", path_of(root))
    version = root.get("version", "2.0")
    if not version.startswith("2."):
        msg = f"version {version} is not read, only 2.0"
        raise AlertError.single(msg, "/VOEvent/@version")

    what = child(root, "What")
    described = read_params(what, ALERT)
    fields = _who(root) | _where_when(root) | described
    fields |= _groups(what)
    if "additional_info" not in fields and (note := text(child(what, "Description"))):
        fields["additional_info"] = note
    _identity(root, fields)
    _role(root, fields)
    _citations(root, fields)
    try:
        return Alert.model_validate(fields)
    except ValidationError as error:
        raise AlertError(problems_of(error)) from None


def _who(root: etree._Element) -> dict[str, Any]:
    date = child(root, "Who", "Date")
    return {} if text(date) is None else {"alert_datetime": _time(date)}


def _time(element: etree._Element | None) -> str:
    value = text(element) or ""
    try:
        return gcn_time(value)
    except ValueError:
        msg = f"must be a time such as 2023-02-13T01:16:47, here it is {value[:40]!r}"
        raise AlertError.single(msg, path_of(element) if element is not None else "") from None


def _number(element: etree._Element) -> int | float:
    value = text(element) or ""
    try:
        return int(value) if re.fullmatch(r"[+-]?\d{1,400}", value) else float(value)
    except ValueError:
        msg = f"must be a number, here it is {value[:40]!r}"
        raise AlertError.single(msg, path_of(element)) from None


def _where_when(root: etree._Element) -> dict[str, Any]:
    coords = child(root, "WhereWhen", "ObsDataLocation", "ObservationLocation", "AstroCoords")
    if coords is None:
        return {}
    frame = coords.get("coord_system_id", "UTC-ICRS-TOPO")
    if not frame.startswith("UTC-"):
        msg = f"times in {frame} are not read, only UTC"
        raise AlertError.single(msg, path_of(coords))
    found: dict[str, Any] = {}
    time = child(coords, "Time", "TimeInstant", "ISOTime")
    if text(time) is not None:
        found["trigger_time"] = _time(time)
    position = child(coords, "Position2D")
    if position is None:
        return found
    if "ICRS" not in frame and "FK5" not in frame:
        msg = f"positions in {frame} are not read, only ICRS (and FK5, the same to 0.1 arcsec)"
        raise AlertError.single(msg, path_of(coords))
    if position.get("unit", "deg") not in {"deg", "degrees"}:
        msg = f"unit {position.get('unit')!r} is not read, only deg"
        raise AlertError.single(msg, path_of(position))
    for field, name in (("ra", "C1"), ("dec", "C2")):
        value = child(position, "Value2", name)
        if value is None:
            raise AlertError.single(f"has no {name} in Value2", path_of(position))
        found[field] = _number(value)
    for element in position:
        radius = re.fullmatch(r"Error2Radius(50|68|90|99)?", local_name(element))
        if radius is not None:
            found[_RADII[radius[1] or ""]] = _number(element)
    return found


def _groups(what: etree._Element | None) -> dict[str, Any]:
    """Return events and counterparts."""
    found: dict[str, Any] = {}
    for kind, field, known in (
        ("event", "event_details", EVENT),
        ("counterpart", "counterpart_info", COUNTERPART),
    ):
        groups = [
            group
            for group in children(what, "Group")
            if group.get("type") == kind or group.get("name", "").startswith(f"{kind}_")
        ]
        if groups:
            found[field] = [read_params(group, known) for group in groups]
    if "event_details" not in found:
        # One event, described by Params of the packet itself, as in KM3-230213A.
        energy = read_params(what, [ENERGY])
        if "energy_measured" in energy:
            found["event_details"] = [{"energy_measured": energy["energy_measured"]}]
    return found


def _identity(root: etree._Element, fields: dict[str, Any]) -> None:
    """Complete name and record number from the identifier of the packet."""
    _, _, local = root.get("ivorn", "").partition("#")
    local = unquote(local)
    if not local or fields.get("event_name") == local:
        return
    numbered = re.fullmatch(r"(.+)_r(\d{1,6})", local)
    name = numbered[1] if numbered else local
    fields.setdefault("event_name", name)
    if numbered and fields.setdefault("record_number", int(numbered[2])) != int(numbered[2]):
        msg = f"says record {numbered[2]}, Param RecordNumber says {fields['record_number']}"
        raise AlertError.single(msg, "/VOEvent/@ivorn")


def _role(root: etree._Element, fields: dict[str, Any]) -> None:
    """Complete the tense from the role; a test must never pass as an observation."""
    role = root.get("role", "observation")
    tense = fields.get("alert_tense")
    if tense is None:
        if role in TENSES:
            fields["alert_tense"] = TENSES[role]
        elif role != "observation":
            msg = f"role {role[:40]!r} does not exist: observation, prediction, utility or test"
            raise AlertError.single(msg, "/VOEvent/@role")
    elif ROLES.get(str(tense), "observation") != role:
        msg = f"says {role}, but Param AlertTense says {tense}"
        raise AlertError.single(msg, "/VOEvent/@role")


def _citations(root: etree._Element, fields: dict[str, Any]) -> None:
    """Complete type and references from what the packet cites."""
    followed = []
    for element in children(child(root, "Citations"), "EventIVORN"):
        cite, ivorn = element.get("cite", ""), text(element)
        if cite in TYPES:
            if fields.setdefault("alert_type", TYPES[cite]) != TYPES[cite]:
                msg = f"cites as {cite}, but Param AlertType says {fields['alert_type']}"
                raise AlertError.single(msg, path_of(element))
        elif cite == "followup" and ivorn is not None:
            followed.append(ivorn)
    if followed and "reference" not in fields:
        names = ["voevent", *(f"voevent_{number}" for number in range(2, len(followed) + 1))]
        fields["reference"] = dict(zip(names, followed, strict=True))
