"""KM3NeT's own examples, and an alert that has everything."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[4] / "shared" / "data"

FULL: dict[str, Any] = {
    "messenger": "Neutrino",
    "mission": "KM3NeT",
    "instrument": "ARCA021",
    "pipeline": "arca_HE",
    "alert_tense": "current",
    "alert_type": "update",
    "record_number": 3,
    "alert_datetime": "2025-01-01T12:01:00.25Z",
    "additional_info": 'Above the horizon, 100 % <sure> & "quoted"',
    "id": ["1", "b"],
    "event_name": ["KM3-250101A", "ANT 2501"],
    "trigger_time": "2025-01-01 02:16:47.123+01:00",
    "ra": 359.5,
    "dec": -12,
    "ra_dec_error": [0.9, 0.4, 30],
    "containment_probability": 0.68,
    "healpix_url": "https://example.org/map.fits",
    "far": 1e-12,
    "p_value": 0.0,
    "p_astro": 0.92,
    "alert_topology": "Shower",
    "number_of_events": 1,
    "event_details": [
        {
            "id": "km3.133.1.2.3",
            "trigger_time": "2025-01-01T01:16:47.123456789Z",
            "cos_zenith": -0.5,
            "prob_evt_topology": "starting track",
            "energy_measured": 1.5e6,
            "own": {"deep": [1, None, "\u0007"]},
        }
    ],
    "potential_counterpart": True,
    "counterpart_info": [
        {"name": "PKS 0000-00", "reference": {"url": "https://example.org/x"}, "redshift": 1.1}
    ],
    "reference": {"gcn": "ivo://nasa.gcn/x#1", "circular": 12345},
    "classification": {"blazar": 0.5},
    "not in the schema": [True, {"a": None}],
}


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} in ../shared/data beside the repository")
    return path


def example(name: str) -> dict[str, Any]:
    return json.loads(shared(f"alerts/{name}").read_text())


EXAMPLES = ["alert.example.json", "alert.multiplet.example.json"]
