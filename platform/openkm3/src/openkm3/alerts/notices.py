"""JSON notices of other missions, translated to the terms of GCN's core schema.

Sources: GCN's schemas ``gcn/notices/icecube``, ``fermi``, ``swift``, ``superk`` (6.1 and 7.2), and
the alert of LIGO, Virgo and KAGRA (Public Alerts User Guide, "Alert contents"), which has its own
form. All fields are kept; those in a mission's own terms are also added in GCN's terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openkm3.alerts.voevent.streams import TYPES

Document = dict[str, Any]


def in_gcn_terms(document: Document) -> Document:
    """Return a notice with the fields of `openkm3.alerts.Alert` that its mission names differently.

    Parameters
    ----------
    document : dict
        A JSON object. Notices of unknown missions are returned unchanged.
    """
    for recognised, translate in _DIALECTS:
        if recognised(document):
            return translate(document)
    return document


def _lvk(document: Document) -> Document:
    """Translate a gravitational-wave superevent."""
    event = document.get("event") if isinstance(document.get("event"), dict) else {}
    assert isinstance(event, dict)  # noqa: S101 - for the type checker
    name = str(document["superevent_id"])
    found: Document = {
        "mission": "LVK",
        "messenger": "GW",
        "event_name": name,
        "alert_datetime": document.get("time_created"),
        "alert_type": TYPES.get(str(document.get("alert_type")).replace("_", "").lower()),
        "notice_type": document.get("alert_type"),
        # The names of test and mock events begin with "T" and "M".
        "alert_tense": "current" if name.startswith("S") else "test",
        "trigger_time": event.get("time"),
        "far": event.get("far"),
        "pipeline": event.get("pipeline"),
        "healpix_file": event.get("skymap"),
    }
    instruments = event.get("instruments")
    if isinstance(instruments, list):
        found["instrument"] = ",".join(str(one) for one in instruments)
    for part in ("classification", "properties"):
        probabilities = event.get(part)
        if isinstance(probabilities, dict):
            found[part] = {key: value for key, value in probabilities.items() if value is not None}
    urls = document.get("urls")
    if isinstance(urls, dict):
        found["data_archive_page"] = urls.get("gracedb")
    coincidence = document.get("external_coinc")
    if isinstance(coincidence, dict) and coincidence.get("ivorn"):
        found["reference"] = {"external_coinc": coincidence["ivorn"]}
    kept = {key: value for key, value in event.items() if key != "skymap"}
    found = {key: value for key, value in found.items() if value is not None}
    rest = {key: value for key, value in document.items() if key not in {"alert_type", "event"}}
    return rest | ({"event": kept} if kept else {}) | found


def _icecube_track(document: Document) -> Document:
    """Translate a single neutrino: ``nu_energy`` is in TeV."""
    energy = document["nu_energy"]
    if not isinstance(energy, (int, float)) or isinstance(energy, bool):
        return document
    return {"event_details": [{"energy_measured": energy * 1000}]} | document


def _icecube_search(document: Document) -> Document:
    """Translate a search for neutrinos coincident with gravitational waves."""
    events = []
    for event in document["coincident_events"]:
        if not isinstance(event, dict):
            return document
        place = event.get("localization")
        fields = place if isinstance(place, dict) else {}
        events.append({key: event[key] for key in event if key != "localization"} | fields)
    found: Document = {
        "mission": "IceCube",
        "messenger": "Neutrino",
        "event_details": events,
        "number_of_events": document.get("n_events_coincident"),
        "p_value": document.get("pval_generic"),
    }
    if "event_name" not in document and document.get("ref_ID"):
        found["event_name"] = document["ref_ID"]
    direction = document.get("most_probable_direction")
    if isinstance(direction, dict):
        found |= {axis: direction[axis] for axis in ("ra", "dec") if axis in direction}
    return {key: value for key, value in found.items() if value is not None} | document


def _superk(document: Document) -> Document:
    """Translate the number of neutrinos of a supernova."""
    return {"number_of_events": document["n_events"]} | document


_DIALECTS: tuple[tuple[Callable[[Document], bool], Callable[[Document], Document]], ...] = (
    (lambda document: isinstance(document.get("superevent_id"), str), _lvk),
    (lambda document: document.get("mission") == "IceCube" and "nu_energy" in document,
     _icecube_track),
    (lambda document: isinstance(document.get("coincident_events"), list), _icecube_search),
    (lambda document: document.get("mission") == "Super-Kamiokande" and "n_events" in document,
     _superk),
)  # fmt: skip
