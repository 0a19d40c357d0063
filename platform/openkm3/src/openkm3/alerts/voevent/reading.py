"""Tolerant reading of VOEvents, KM3NeT's own or other missions'.

Published packets deviate from the standard, so these are accepted: elements in any namespace or
order, several radii (``Error2Radius50``, ``68``, ``90``, ``99``), and a missing Param if another
element has the value. KM3NeT's own packets must be parsed completely; values of other missions'
packets that are not recognised are kept in ``voevent_params`` and ``voevent_tables``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from openkm3.alerts.errors import AlertError
from openkm3.alerts.model import ROLES, is_own
from openkm3.alerts.voevent import streams
from openkm3.alerts.voevent.contents import kind_of, params_beyond, tables_of
from openkm3.alerts.voevent.params import (
    ALERT,
    COUNTERPART,
    ENERGY,
    EVENT,
    read_foreign,
    read_params,
)
from openkm3.alerts.voevent.place import moment, where_when
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
#: Our Params that other missions use with other values; `streams` interprets those.
_OWN_WORDS = {"alert_type", "alert_tense", "record_number", "alert_topology", "messenger"}
#: Params of our packets that are fields of an alert, by the kind of group they are in.
KNOWN = {
    kind: {param.name for param in params}
    for kind, params in (("", (*ALERT, ENERGY)), ("event", EVENT), ("counterpart", COUNTERPART))
}
OTHERS = tuple(param for param in ALERT if param.field not in _OWN_WORDS)


def fields_of(content: bytes) -> dict[str, Any]:
    """Return the fields of the alert that a VOEvent describes, under the names of GCN's JSON.

    Raises
    ------
    AlertError
        If it is not a VOEvent 2, a value cannot be parsed, or two parts contradict each other.
    """
    root = parsed(content)
    if local_name(root) != "VOEvent":
        raise AlertError.single("is not a VOEvent", path_of(root))
    version = root.get("version", "2.0")
    if not version.startswith("2."):
        msg = f"version {version} is not supported; use 2.0"
        raise AlertError.single(msg, "/VOEvent/@version")

    what = child(root, "What")
    own = is_own(root.get("ivorn", ""))
    fields = _who(root) | where_when(root, located=own or streams.located(root))
    fields |= _described(what) if own else _described_elsewhere(what)
    if not own:
        streams.describe(root, fields)
        fields["voevent_ivorn"] = root.get("ivorn", "")
    if beyond := params_beyond(what, KNOWN if own else {}):
        fields["voevent_params"] = beyond
    if tables := tables_of(what):
        fields["voevent_tables"] = tables
    if "additional_info" not in fields and (note := text(child(what, "Description"))):
        fields["additional_info"] = note
    _identity(root, fields)
    _role(root, fields)
    _citations(root, fields)
    return fields


def _described(what: etree._Element | None) -> dict[str, Any]:
    """Return the fields in the Params of KM3NeT's own packets."""
    return read_params(what, ALERT) | _groups(what)


def _described_elsewhere(what: etree._Element | None) -> dict[str, Any]:
    """Return the recognised fields in the Params of other missions."""
    fields = read_foreign(what, {param.name.lower(): param for param in OTHERS} | streams.ALIASES)
    energy = fields.pop("energy_measured", None)
    if energy is not None:
        fields["event_details"] = [{"energy_measured": energy}]
    return fields


def _who(root: etree._Element) -> dict[str, Any]:
    date = child(root, "Who", "Date")
    return {} if text(date) is None else {"alert_datetime": moment(date)}


def _groups(what: etree._Element | None) -> dict[str, Any]:
    """Return events and counterparts."""
    found: dict[str, Any] = {}
    for kind, field, known in (
        ("event", "event_details", EVENT),
        ("counterpart", "counterpart_info", COUNTERPART),
    ):
        groups = [group for group in children(what, "Group") if kind_of(group) == kind]
        if groups:
            found[field] = [read_params(group, known) for group in groups]
    if "event_details" not in found:
        # A single event, described by Params of the packet itself, as in KM3-230213A.
        energy = read_params(what, [ENERGY])
        if "energy_measured" in energy:
            found["event_details"] = [{"energy_measured": energy["energy_measured"]}]
    return found


def _identity(root: etree._Element, fields: dict[str, Any]) -> None:
    """Add the name and record number from the identifier of the packet."""
    _, _, local = root.get("ivorn", "").partition("#")
    local = unquote(local)
    if not local or fields.get("event_name") == local:
        return
    if not is_own(root.get("ivorn", "")):
        fields.setdefault("event_name", local)
        return
    numbered = re.fullmatch(r"(.+)_r(\d{1,6})", local)
    name = numbered[1] if numbered else local
    fields.setdefault("event_name", name)
    if numbered and fields.setdefault("record_number", int(numbered[2])) != int(numbered[2]):
        msg = f"has record {numbered[2]}, but Param RecordNumber is {fields['record_number']}"
        raise AlertError.single(msg, "/VOEvent/@ivorn")


def _role(root: etree._Element, fields: dict[str, Any]) -> None:
    """Add the tense from the role; a test must never be read as an observation."""
    role = root.get("role", "observation")
    tense = fields.get("alert_tense")
    if tense is None:
        if role in TENSES:
            fields["alert_tense"] = TENSES[role]
        elif role != "observation":
            msg = f"must be observation, prediction, utility or test, not {role[:40]!r}"
            raise AlertError.single(msg, "/VOEvent/@role")
    elif "voevent_ivorn" not in fields and ROLES.get(str(tense), "observation") != role:
        msg = f"is {role}, but Param AlertTense is {tense}"
        raise AlertError.single(msg, "/VOEvent/@role")


def _citations(root: etree._Element, fields: dict[str, Any]) -> None:
    """Add the type and references from the citations of the packet."""
    followed = []
    for element in children(child(root, "Citations"), "EventIVORN"):
        cite, ivorn = element.get("cite", ""), text(element)
        if cite in TYPES:
            known = fields.setdefault("alert_type", TYPES[cite])
            if known == "initial" and "voevent_ivorn" in fields:
                # A confirmed candidate of LIGO, Virgo and KAGRA supersedes the preliminary one.
                fields["alert_type"] = TYPES[cite]
            # Their retractions also cite the retracted packet as superseded.
            elif known != TYPES[cite] and (known, cite) != ("retraction", "supersedes"):
                msg = f"has the citation {cite}, but Param AlertType is {fields['alert_type']}"
                raise AlertError.single(msg, path_of(element))
        elif cite == "followup" and ivorn is not None:
            followed.append(ivorn)
    if followed and "reference" not in fields:
        names = ["voevent", *(f"voevent_{number}" for number in range(2, len(followed) + 1))]
        fields["reference"] = dict(zip(names, followed, strict=True))
