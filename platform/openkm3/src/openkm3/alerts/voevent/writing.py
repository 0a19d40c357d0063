"""Writing of alerts as VOEvent 2.0.

The standard is R. L. Seaman et al., "Sky Event Reporting Metadata", IVOA Recommendation 11 July
2011. Where it leaves a choice, ``Error2Radius`` is ``ra_dec_error``, the radius of
``containment_probability`` (GCN's default is 0.9); other radii are Params.
"""

from __future__ import annotations

from typing import Any

from openkm3.alerts.errors import AlertError, Problem
from openkm3.alerts.model import AUTHORITY, AlertRecord, Counterpart
from openkm3.alerts.plausibility import problems_of_alert
from openkm3.alerts.times import gcn_time, voevent_time
from openkm3.alerts.voevent.params import (
    ALERT,
    COUNTERPART,
    ENERGY,
    EVENT,
    add_params,
    holds,
)
from openkm3.alerts.voevent.validation import validate_voevent
from openkm3.alerts.voevent.xml import NAMESPACE, etree
from openkm3.sky.sites import site

XSI = "http://www.w3.org/2001/XMLSchema-instance"
LOCATION = "http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd"
CITES = {"update": "supersedes", "retraction": "retraction"}


def to_voevent(alert: AlertRecord, *, cites: str | None = None) -> bytes:
    """Return a VOEvent 2.0 document, valid by the IVOA's schema.

    Parameters
    ----------
    alert : Alert
        An alert of KM3NeT.
    cites : str, optional
        Identifier of the record that an update supersedes or a retraction retracts; empty if none
        was issued. By default the previous record.

    Raises
    ------
    AlertError
        If it is an alert of another mission, which KM3NeT cannot issue; if a value is impossible
        (see `Alert.problems`); or if VOEvent requires a missing value: a name, or the error radius
        of a position.
    """
    if not alert.own:
        whose = alert.mission or alert.foreign_ivorn
        raise AlertError.single(
            f"is a notice of {whose}; only KM3NeT's own alerts are written as VOEvent"
        )
    problems = problems_of_alert(alert)
    if alert.ra is not None and alert.error_radius is None:
        problems.append(Problem("ra_dec_error", "is missing: VOEvent requires it with a position"))
    if problems:
        raise AlertError(problems)

    root = etree.Element(
        f"{{{NAMESPACE}}}VOEvent",
        {"version": "2.0", "role": alert.role, "ivorn": alert.ivorn},
        nsmap={"voe": NAMESPACE, "xsi": XSI},
    )
    root.set(f"{{{XSI}}}schemaLocation", f"{NAMESPACE} {LOCATION}")
    fields = alert.fields()
    _who(root, fields)
    written = _where_when(alert, fields)
    _what(root, alert, fields)
    if written is not None:
        root.append(written)
    _how(root, alert)
    _why(root, alert)
    _citations(root, alert, alert.previous_ivorn if cites is None else cites)
    etree.indent(root)
    packet: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    invalid = validate_voevent(packet)
    if invalid:
        raise AlertError(invalid, "VOEvent")
    return packet


def _add(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> Any:
    element = etree.SubElement(parent, name, attributes)
    element.text = text
    return element


def _who(root: etree._Element, fields: dict[str, Any]) -> None:
    who = _add(root, "Who")
    _add(who, "AuthorIVORN", AUTHORITY)
    author = _add(who, "Author")
    _add(author, "shortName", "KM3NeT")
    _add(author, "contactName", "KM3NeT Collaboration")
    _add(author, "contactEmail", "opendata@km3net.de")
    if "alert_datetime" in fields:
        _add(who, "Date", _time(fields, "alert_datetime"))


def _time(fields: dict[str, Any], name: str) -> str:
    """Return a time in VOEvent's form, and remove it from the fields if that is exact."""
    text = voevent_time(fields[name])
    if gcn_time(text) == fields[name]:
        del fields[name]
    return text


def _what(root: etree._Element, alert: AlertRecord, fields: dict[str, Any]) -> None:
    what = _add(root, "What")
    description = fields.get("additional_info")
    if description and holds(description):
        del fields["additional_info"]
    else:
        description = None
    if isinstance(alert.event_name, list) and holds(alert.name):
        # For readers that know only Params; gcn.event_name has the full list.
        _add(what, "Param", name="Identifier", value=alert.name or "", ucd="meta.id;meta.main")
    events = fields.pop("event_details", None) or []
    sources = fields.get("counterpart_info")
    if isinstance(sources, list) and sources:
        del fields["counterpart_info"]
    else:
        sources = []
    if alert.event_details == []:
        fields["event_details"] = []
    add_params(what, fields, ALERT)
    if len(events) == 1 and "energy_measured" in events[0]:
        add_params(what, {"energy_measured": events[0]["energy_measured"]}, [ENERGY])
    for index, event in enumerate(events, start=1):
        group = _add(what, "Group", name=f"event_{index}", type="event")
        add_params(group, event, EVENT)
    for index, source in enumerate(sources, start=1):
        group = _add(what, "Group", name=f"counterpart_{index}", type="counterpart")
        add_params(group, source, COUNTERPART)
    if description:
        _add(what, "Description", description)


def _where_when(alert: AlertRecord, fields: dict[str, Any]) -> etree._Element | None:
    """Return WhereWhen, and remove the fields that it holds completely."""
    if alert.ra is None and alert.trigger_time is None:
        return None
    where = etree.Element("WhereWhen")
    data = _add(where, "ObsDataLocation")
    _observatory(data, alert)
    observation = _add(data, "ObservationLocation")
    _add(observation, "AstroCoordSystem", id="UTC-ICRS-TOPO")
    coords = _add(observation, "AstroCoords", coord_system_id="UTC-ICRS-TOPO")
    if alert.trigger_time is not None:
        instant = _add(_add(coords, "Time", unit="s"), "TimeInstant")
        _add(instant, "ISOTime", _time(fields, "trigger_time"))
    if alert.ra is not None:
        position = _add(coords, "Position2D", unit="deg")
        _add(position, "Name1", "RA")
        _add(position, "Name2", "Dec")
        value = _add(position, "Value2")
        _add(value, "C1", repr(fields.pop("ra")))
        _add(value, "C2", repr(fields.pop("dec")))
        if isinstance(alert.ra_dec_error, list):
            _add(position, "Error2Radius", repr(alert.error_radius))
        else:
            _add(position, "Error2Radius", repr(fields.pop("ra_dec_error")))
        probability = alert.containment_probability
        note = (
            "RA and Dec are the direction of the source; Error2Radius contains it with probability"
        )
        _add(where, "Description", f"{note} {0.9 if probability is None else probability}.")
    return where


def _observatory(data: etree._Element, alert: AlertRecord) -> None:
    if alert.instrument is None:
        _add(data, "ObservatoryLocation", id="KM3NeT")
        return
    place = site(alert.instrument)
    observatory = _add(data, "ObservatoryLocation", id=place.name)
    _add(observatory, "AstroCoordSystem", id="UTC-GEOD-TOPO")
    coords = _add(observatory, "AstroCoords", coord_system_id="UTC-GEOD-TOPO")
    position = _add(coords, "Position3D", unit="deg-deg-m")
    for number, name in enumerate(("longitude", "latitude", "elevation"), start=1):
        _add(position, f"Name{number}", name)
    value = _add(position, "Value3")
    for number, coordinate in enumerate((place.longitude, place.latitude, place.height), start=1):
        _add(value, f"C{number}", repr(round(coordinate, 6)))


def _how(root: etree._Element, alert: AlertRecord) -> None:
    how = _add(root, "How")
    _add(how, "Description", "KM3NeT neutrino telescope")
    _add(how, "Reference", uri="https://www.km3net.org", type="url")
    if _is_uri(alert.healpix_url):
        _add(how, "Reference", uri=alert.healpix_url or "", mimetype="application/fits")


def _why(root: etree._Element, alert: AlertRecord) -> None:
    sources = alert.counterpart_info if isinstance(alert.counterpart_info, list) else []
    if alert.p_astro is None and not sources:
        return
    why = _add(root, "Why")
    if alert.p_astro is not None:
        inference = _add(why, "Inference", probability=repr(alert.p_astro))
        _add(inference, "Concept", "astrophysical neutrino")
    for source in sources:
        _counterpart(why, source)


def _counterpart(why: etree._Element, source: Counterpart) -> None:
    # The notice has no probability of the association, so none is written.
    inference = _add(why, "Inference", relation="possible counterpart")
    name = source.fields().get("name")
    _add(inference, "Name", name if holds(name) and name else "unnamed source")
    for uri in (source.reference or {}).values():
        if _is_uri(uri):
            _add(inference, "Reference", uri=str(uri))


def _citations(root: etree._Element, alert: AlertRecord, before: str | None) -> None:
    cited = []
    if before and alert.alert_type in CITES:
        cited.append((CITES[alert.alert_type], before))
    reference = alert.fields().get("reference")
    if isinstance(reference, dict):
        ivorns = [uri for uri in reference.values() if _is_uri(uri, ("ivo://",))]
        cited += [("followup", uri) for uri in ivorns]
    if cited:
        citations = _add(root, "Citations")
        for cite, ivorn in cited:
            _add(citations, "EventIVORN", ivorn, cite=cite)


def _is_uri(text: object, schemes: tuple[str, ...] = ("http://", "https://", "ivo://")) -> bool:
    return isinstance(text, str) and text.startswith(schemes) and holds(text) and " " not in text
