"""The mapping between the Params of a VOEvent and the fields of an alert.

Fields that are not listed here, and values that their Param cannot hold exactly (a list of names,
an ellipse, a time with a zone), are stored as JSON text in a Param ``gcn.<field>``. So the round
trip loses nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openkm3.alerts.documents import parsed_json
from openkm3.alerts.errors import AlertError
from openkm3.alerts.times import gcn_time, voevent_time
from openkm3.alerts.voevent.units import WITHOUT, converted
from openkm3.alerts.voevent.xml import children, etree, path_of

EXACT = "gcn."
# Characters that XML 1.0 cannot hold, and white space that some parsers change in attributes.
_NOT_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class ParamOf:
    """The Param of a field."""

    field: str
    name: str
    kind: Literal["text", "number", "flag", "time"] = "text"
    unit: str = ""
    ucd: str = ""
    description: str = ""


_ERROR = "stat.error;pos.eq"
ALERT = (
    ParamOf("messenger", "Messenger"),
    ParamOf("mission", "Mission"),
    ParamOf("instrument", "Instrument", ucd="meta.id;instr"),
    ParamOf("event_name", "Identifier", ucd="meta.id;meta.main"),
    ParamOf("id", "AlertID", ucd="meta.id"),
    ParamOf("alert_type", "AlertType", ucd="meta.code"),
    ParamOf("alert_tense", "AlertTense", ucd="meta.code"),
    ParamOf("record_number", "RecordNumber", "number", ucd="meta.version"),
    ParamOf("pipeline", "Pipeline", ucd="meta.software"),
    ParamOf("alert_topology", "Topology", ucd="meta.code.class"),
    ParamOf("number_of_events", "NumberOfEvents", "number", ucd="meta.number"),
    ParamOf("far", "FAR", "number", "Hz", "arith.rate", "False alarm rate"),
    ParamOf("p_value", "p_value", "number", "", "stat.probability"),
    ParamOf("p_astro", "p_astro", "number", "", "stat.probability", "Of astrophysical origin"),
    ParamOf("src_error_50", "ErrorRadius50", "number", "deg", _ERROR, "50 % containment"),
    ParamOf("src_error_68", "ErrorRadius68", "number", "deg", _ERROR, "68 % containment"),
    ParamOf("src_error_99", "ErrorRadius99", "number", "deg", _ERROR, "99 % containment"),
    ParamOf("containment_probability", "ContainmentProbability", "number", "", "stat.probability"),
    ParamOf("healpix_url", "SkymapURL", ucd="meta.ref.url"),
    ParamOf("potential_counterpart", "PotentialCounterpart", "flag", ucd="meta.code"),
    ParamOf("counterpart_info", "CounterpartInfo", ucd="meta.note"),
)
PLACE = (
    ParamOf("trigger_time", "TriggerTime", "time", ucd="time.epoch"),
    ParamOf("ra", "RA", "number", "deg", "pos.eq.ra"),
    ParamOf("dec", "Dec", "number", "deg", "pos.eq.dec"),
    ParamOf("ra_dec_error", "ErrorRadius", "number", "deg", _ERROR),
)
ENERGY = ParamOf("energy_measured", "Energy", "number", "GeV", "phys.energy")
EVENT = (
    ParamOf("id", "EventID", ucd="meta.id"),
    *PLACE,
    ParamOf(
        "cos_zenith",
        "CosZenith",
        "number",
        description="Cosine between the direction of flight and up: +1 up-going, -1 down-going",
    ),
    ParamOf("prob_evt_topology", "Topology", ucd="meta.code.class"),
    ENERGY,
)
COUNTERPART = (
    ParamOf("name", "Name", ucd="meta.id;src"),
    *PLACE,
    ParamOf("angular_distance", "AngularDistance", "number", "deg", "pos.angDistance"),
)


def holds(text: object) -> bool:
    """Return whether XML preserves a text."""
    return isinstance(text, str) and not _NOT_XML.search(text) and text == text.strip()


def add_params(parent: etree._Element, fields: Mapping[str, Any], known: Iterable[ParamOf]) -> None:
    """Add a Param for every field of an alert, an event or a counterpart."""
    left = dict(fields)
    for param in known:
        if param.field in left and _add(parent, param, left[param.field]):
            del left[param.field]
    for field, value in left.items():
        name = EXACT + field
        if not holds(name):
            raise AlertError.single("is a field name that XML cannot hold", repr(field))
        exact = json.dumps(value, allow_nan=False)
        etree.SubElement(parent, "Param", name=name, dataType="string", value=exact)


def _add(parent: etree._Element, param: ParamOf, value: object) -> bool:
    """Add one Param; return whether it holds the value exactly."""
    exact = True
    if param.kind == "number":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        text, data_type = repr(value), "int" if isinstance(value, int) else "float"
    elif param.kind == "flag":
        text, data_type = str(value).lower(), "string"
    elif not isinstance(value, str) or not holds(value) or not value:
        return False
    else:
        text, data_type = value, "string"
        if param.kind == "time":
            try:
                text = voevent_time(value)
            except ValueError:
                return False
            exact = gcn_time(text) == value
    attributes = {"name": param.name, "value": text, "dataType": data_type}
    attributes |= {"unit": param.unit} if param.unit else {}
    attributes |= {"ucd": param.ucd} if param.ucd else {}
    element = etree.SubElement(parent, "Param", attributes)
    if param.description:
        etree.SubElement(element, "Description").text = param.description
    return exact


def read_params(parent: etree._Element | None, known: Iterable[ParamOf]) -> dict[str, Any]:
    """Return the fields in the Params below an element."""
    by_name = {param.name: param for param in known}
    fields: dict[str, Any] = {}
    exact: dict[str, Any] = {}
    for element in children(parent, "Param"):
        name = element.get("name", "")
        if name.startswith(EXACT):
            exact[name.removeprefix(EXACT)] = _exact_value(element)
        elif name in by_name:
            value = _value(element, by_name[name])
            if value is not None:
                fields[by_name[name].field] = value
    return fields | exact


def read_foreign(what: etree._Element | None, known: Mapping[str, ParamOf]) -> dict[str, Any]:
    """Return the fields in the Params of another mission's packet.

    Parameters
    ----------
    what : element
        Its Params, and those of sky-map groups, are read.
    known : mapping
        Lower-case name of a Param to its meaning.

    Returns
    -------
    dict
        Without values that cannot be parsed, lack a required unit, or are not finite.
    """
    maps = [group for group in children(what, "Group") if group.get("type") == "GW_SKYMAP"]
    fields: dict[str, Any] = {}
    for parent in (what, *maps):
        for element in children(parent, "Param"):
            param = known.get(element.get("name", "").lower())
            if param is None or (param.unit and element.get("unit", "").strip() in WITHOUT):
                continue
            try:
                value = _value(element, param)
            except AlertError:
                continue
            if value is not None:
                fields.setdefault(param.field, value)
    return fields


def raw(element: etree._Element) -> str | None:
    """Return the text of a Param, from its attribute or its Value."""
    value: str | None = element.get("value")
    if value is None:
        value = next((found.text for found in children(element, "Value")), None)
    return value


def _exact_value(element: etree._Element) -> Any:
    path = path_of(element)
    try:
        return parsed_json('{"value": ' + (raw(element) or "") + "}")["value"]
    except (AlertError, KeyError):
        msg = f"Param {element.get('name')} must hold JSON"
        raise AlertError.single(msg, path) from None


def _value(element: etree._Element, param: ParamOf) -> Any:
    text = (raw(element) or "").strip()
    if not text:
        return None
    try:
        if param.kind == "number":
            return _number(text, element.get("unit", ""), param.unit)
        if param.kind == "flag":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        return gcn_time(text) if param.kind == "time" else text
    except (ValueError, KeyError) as error:
        what = {"number": "a number", "flag": "true or false", "time": "a time"}[param.kind]
        reason = f" ({error})" if "unit" in str(error) else ""
        msg = f"Param {param.name} must be {what}, not {text[:40]!r}{reason}"
        raise AlertError.single(msg, path_of(element)) from None


def _number(text: str, unit: str, wanted: str) -> int | float | None:
    """Return a number in the wanted unit; None for NaN and infinity, which mean no value."""
    value: int | float = int(text) if re.fullmatch(r"[+-]?\d{1,400}", text) else float(text)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return converted(value, unit, wanted)
