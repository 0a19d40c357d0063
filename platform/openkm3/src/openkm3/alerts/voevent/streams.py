"""The Params, flags and conventions of other missions' VOEvents.

Sources: the packets that GCN distributes and its descriptions of them (gcn.gsfc.nasa.gov/amon.html,
fermi.html, swift.html), LIGO/Virgo/KAGRA Public Alerts User Guide (alert contents), and GCN's JSON
schemas, whose fields these become.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from openkm3.alerts.voevent.params import ParamOf, raw
from openkm3.alerts.voevent.xml import child, children, etree, text

#: Params of other missions, by their lower-case names.
ALIASES = {
    name.lower(): param
    for param, names in (
        (ParamOf("far", "FAR", "number", "Hz"), ("FAR", "False_Alarm_Rate")),
        (ParamOf("p_value", "p_value", "number"), ("p_value", "pvalue")),
        (ParamOf("p_astro", "p_astro", "number"), ("p_astro", "signalness")),
        (ParamOf("src_error_50", "src_error_50", "number", "deg"), ("src_error_50",)),
        (ParamOf("src_error_68", "src_error_68", "number", "deg"), ("src_error_68",)),
        (ParamOf("src_error_99", "src_error_99", "number", "deg"), ("src_error_99",)),
        (ParamOf("energy_measured", "Energy", "number", "GeV"), ("energy", "nu_energy")),
        (ParamOf("id", "TrigID"), ("TrigID", "AlertID")),
        (ParamOf("event_name", "Identifier"), ("GraceID",)),
        (ParamOf("instrument", "Instrument"), ("Instruments",)),
        (ParamOf("healpix_url", "SkymapURL"), ("skymap_fits",)),
        (ParamOf("data_archive_page", "EventPage"), ("EventPage",)),
    )
    for name in names
}
#: Missions' names for types of notices, and GCN's.
TYPES = {
    "initial": "initial",
    "preliminary": "initial",
    "earlywarning": "initial",
    "early_warning": "initial",
    "subsequent": "subsequent",
    "update": "update",
    "retraction": "retraction",
}
#: Flags of GCN that mark packets that are not observations.
_TEST_FLAGS = ("Test", "Test_Submission", "InternalTest")


@dataclass(frozen=True)
class Stream:
    """One kind of packet, recognised by the beginning of its identifier.

    ``record`` is the Param that counts records, and the number of the first one. ``containment`` is
    the containment probability of Error2Radius, if it is documented.
    """

    prefix: str
    fields: dict[str, Any] = field(default_factory=dict)
    record: tuple[str, int] | None = None
    containment: float | None = None


def _icecube(name: str, pipeline: str, topology: str) -> Stream:
    fields = {"mission": "IceCube", "messenger": "Neutrino", "pipeline": pipeline}
    return Stream(
        f"ivo://nasa.gsfc.gcn/AMON#ICECUBE_{name}",
        {**fields, "alert_topology": topology, "systematic_included": False},
        ("Rev", 0),
        0.9,
    )


STREAMS = (
    _icecube("GOLD", "Gold Track Alert", "Track"),
    _icecube("BRONZE", "Bronze Track Alert", "Track"),
    _icecube("CASCADE", "Cascade Alert", "Shower"),
    # trigger.schema.json of GCN gives the radius of the same localization as 68 %, statistical.
    Stream(
        "ivo://nasa.gsfc.gcn/Fermi#GBM",
        {"mission": "Fermi", "instrument": "GBM", "messenger": "EM", "systematic_included": False},
        ("Sequence_Num", 1),
        0.68,
    ),
    Stream(
        "ivo://nasa.gsfc.gcn/Fermi#LAT",
        {"mission": "Fermi", "instrument": "LAT", "messenger": "EM"},
    ),
    *(
        Stream(
            f"ivo://nasa.gsfc.gcn/SWIFT#{name}",
            {"mission": "Swift", "instrument": name, "messenger": "EM"},
        )
        for name in ("BAT", "XRT", "UVOT")
    ),
    Stream("ivo://nasa.gsfc.gcn/SWIFT#", {"mission": "Swift", "messenger": "EM"}),
    *(
        Stream(f"ivo://{authority}/LVC#", {"mission": "LVK", "messenger": "GW"}, ("Pkt_Ser_Num", 1))
        for authority in ("gwnet", "nasa.gsfc.gcn")
    ),
    Stream(
        "ivo://nasa.gsfc.gcn/Antares_Alert#",
        {"mission": "ANTARES", "instrument": "ANTARES", "messenger": "Neutrino"},
    ),
    Stream("ivo://nasa.gsfc.gcn/SNEWS#", {"mission": "SNEWS", "messenger": "Neutrino"}),
)


def stream_of(ivorn: str) -> Stream:
    """Return the stream of a packet; an empty one if it is not known."""
    found = (one for one in STREAMS if ivorn.lower().startswith(one.prefix.lower()))
    return next(found, Stream(""))


def describe(root: etree._Element, fields: dict[str, Any]) -> None:
    """Add the fields that follow from the stream of another mission's packet."""
    stream = stream_of(root.get("ivorn", ""))
    what = child(root, "What")
    values = dict(_values(what))
    for name, value in stream.fields.items():
        fields.setdefault(name, value)
    if stream.containment is not None and "ra_dec_error" in fields:
        fields.setdefault("containment_probability", stream.containment)
    if stream.record is not None:
        name, first = stream.record
        number = values.get(name, "")
        if number.isdecimal():
            fields.setdefault("record_number", int(number) - first + 1)
    if "run_id" in values and "event_id" in values:
        fields.setdefault("id", f"{values['run_id']}_{values['event_id']}")
    _burst_name(root, stream, fields)
    _probabilities(what, fields)
    _type(values, fields)
    if values.get("HardwareInj") == "1":
        fields.setdefault("alert_tense", "injection")
    flagged = any(values.get(flag, "").lower() == "true" for flag in _TEST_FLAGS)
    # The role or any flag is enough: a test must never be read as an observation.
    if flagged or root.get("role") == "test" or values.get("AlertTense") == "test":
        fields["alert_tense"] = "test"


def located(root: etree._Element) -> bool:
    """Return whether a packet's position is that of a source.

    If there is no position yet, GCN writes RA = Dec = 0 or the pointing of the spacecraft;
    ``Coords_String`` tells which.
    """
    coordinates = dict(_values(child(root, "What"))).get("Coords_String", "")
    return coordinates in {"", "source_object"}


def _values(what: etree._Element | None) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each Param, those of groups first, so that later ones win."""
    for group in children(what, "Group"):
        yield from _values(group)
    for element in children(what, "Param"):
        yield element.get("name", ""), (raw(element) or "").strip()


def _burst_name(root: etree._Element, stream: Stream, fields: dict[str, Any]) -> None:
    name = text(child(root, "Why", "Inference", "Name"))
    if name and stream.fields.get("messenger") == "EM":
        fields.setdefault("event_name", name)


def _probabilities(what: etree._Element | None, fields: dict[str, Any]) -> None:
    """Add the classification and properties of a gravitational-wave candidate."""
    for kind in ("Classification", "Properties"):
        for group in children(what, "Group"):
            if group.get("type") == kind:
                numbers = {name: _float(value) for name, value in _values(group)}
                found = {name: value for name, value in numbers.items() if value is not None}
                fields.setdefault(kind.lower(), found)


def _float(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _type(values: dict[str, str], fields: dict[str, Any]) -> None:
    found = TYPES.get(values.get("AlertType", "").lower())
    if values.get("Retraction", "").lower() == "true":
        found = "retraction"
    elif found is None and values.get("Rev", "").isdecimal():
        found = "initial" if int(values["Rev"]) == 0 else "update"
    if found is not None:
        fields.setdefault("alert_type", found)
