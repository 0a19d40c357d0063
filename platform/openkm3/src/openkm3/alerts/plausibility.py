"""Finds values that KM3NeT's schema allows but that are impossible."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openkm3.alerts.core import Localization, Moment, shown
from openkm3.alerts.errors import Problem
from openkm3.alerts.model import AlertRecord, NeutrinoEvent
from openkm3.alerts.times import parsed_time
from openkm3.sky.sites import UnknownSiteError, site

Found = Iterator[Problem]


def problems_of_alert(alert: AlertRecord) -> list[Problem]:
    """Return all problems in the order of the document."""
    return list(_alert(alert))


def _alert(alert: AlertRecord) -> Found:
    if not (alert.name or "").strip() and (alert.own or not alert.id):
        yield Problem("event_name", 'is missing, for example "KM3-230213A"')
    elif re.search(r"_r\d+$", alert.name or ""):
        # KM3-1_r2 would have the identifier of record 2 of KM3-1.
        yield Problem(
            "event_name", f"must not end like a record number (_r2), but is {shown(alert.name)}"
        )
    yield from _record(alert)
    if alert.instrument is not None and alert.own:
        try:
            site(alert.instrument)
        except UnknownSiteError as error:
            yield Problem("instrument", str(error))
    yield from _time(alert.alert_datetime, "alert_datetime")
    yield from _place_and_time(alert, "")
    yield from _range(alert.far, "far", 0, None, "Hz")
    for name in ("p_value", "p_astro"):
        yield from _range(getattr(alert, name), name, 0, 1)
    yield from _range(alert.src_error_50, "src_error_50", 0, 180, "deg")
    count = alert.number_of_events
    if count is not None and (count < 1 or count != int(count)):
        yield Problem("number_of_events", f"must be a whole number of at least 1, not {count}")
    events = alert.event_details or []
    if count is not None and events and count != len(events):
        yield Problem("number_of_events", f"is {count}, but event_details has {len(events)}")
    for index, event in enumerate(events):
        yield from _event(event, f"event_details[{index}].")
    if isinstance(alert.counterpart_info, list):
        for index, source in enumerate(alert.counterpart_info):
            yield from _place_and_time(source, f"counterpart_info[{index}].")


def _record(alert: AlertRecord) -> Found:
    record = alert.record_number
    if record is not None and (record < 1 or record != int(record)):
        yield Problem("record_number", f"must be a whole number of at least 1, not {record}")
    elif (
        alert.own
        and alert.alert_type in {"update", "retraction"}
        and (record is None or record < 2)
    ):
        msg = f"must be 2 or more for a record of type {alert.alert_type}"
        yield Problem("record_number", msg)


def _event(event: NeutrinoEvent, path: str) -> Found:
    yield from _place_and_time(event, path)
    yield from _range(event.cos_zenith, f"{path}cos_zenith", -1, 1)
    yield from _range(event.energy_measured, f"{path}energy_measured", 0, None, "GeV")


def _place_and_time(part: Localization | Moment, path: str) -> Found:
    if isinstance(part, Moment):
        for name in ("trigger_time", "observation_start", "observation_stop"):
            yield from _time(getattr(part, name), path + name)
    if isinstance(part, Localization):
        yield from _range(part.ra, f"{path}ra", 0, 360, "deg")
        yield from _range(part.dec, f"{path}dec", -90, 90, "deg")
        if (part.ra is None) != (part.dec is None):
            missing = "ra" if part.ra is None else "dec"
            yield Problem(path + missing, "is missing: ra and dec must be given together")
        error = part.ra_dec_error
        for radius in error[:2] if isinstance(error, list) else [error]:
            yield from _range(radius, f"{path}ra_dec_error", 0, 180, "deg")
        probability = part.containment_probability
        yield from _range(probability, f"{path}containment_probability", 0, 1)


def _range(
    value: float | None, path: str, least: float, most: float | None, unit: str = ""
) -> Found:
    if value is None or (value >= least and (most is None or value <= most)):
        return
    limits = f"{least} or more" if most is None else f"between {least} and {most}"
    yield Problem(path, f"must be {limits} {unit}".rstrip() + f", not {value}")


def _time(value: str | None, path: str) -> Found:
    if value is None:
        return
    try:
        parsed_time(value)
    except ValueError:
        msg = f"must be a time such as 2024-09-01T01:16:47.0Z, not {shown(value)}"
        yield Problem(path, msg)
