"""GCN's core schema v6.1.0 as far as KM3NeT's refers to it: names and types, no descriptions."""

from typing import Any

BASE = "https://gcn.nasa.gov/schema/main/gcn/notices"
NUMBER, STRING = {"type": "number"}, {"type": "string"}
ONE_OR_LIST = {"oneOf": [STRING, {"type": "array", "items": STRING}]}
UNCERTAINTY = {"oneOf": [NUMBER, {"type": "array", "items": NUMBER, "maxItems": 2}]}
PAIR = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
REGION = {"anyOf": [NUMBER, {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 3}]}
CLASSES = {"type": "object", "additionalProperties": NUMBER}
ANY_OF_TWO = {"type": "object", "additionalProperties": {"type": ["number", "string"]}}

PROPERTIES: dict[str, dict[str, Any]] = {
    "core/AdditionalInfo": {"additional_info": STRING},
    "core/Event": {
        "event_name": ONE_OR_LIST,
        "id": ONE_OR_LIST,
        "data_archive_page": STRING,
    },
    "core/DateTime": {
        "trigger_time": STRING,
        "trigger_time_error": UNCERTAINTY,
        "observation_start": STRING,
        "observation_stop": STRING,
        "observation_livetime": NUMBER,
    },
    "core/Localization": {
        "ra": NUMBER,
        "dec": NUMBER,
        "ra_dec_error": REGION,
        "containment_probability": NUMBER,
        "systematic_included": {"type": "boolean"},
        "instrument_phi": NUMBER,
        "instrument_theta": NUMBER,
        "instrument_semimajor_angle": NUMBER,
        "healpix_url": STRING,
        "healpix_file": STRING,
    },
    "core/Alert": {
        "alert_datetime": STRING,
        "alert_tense": {
            "enum": ["current", "archival", "planned", "injection", "commanded", "test"]
        },
        "alert_type": {"enum": ["initial", "subsequent", "update", "retraction"]},
    },
    "core/Reporter": {
        "mission": STRING,
        "instrument": STRING,
        "record_number": NUMBER,
        "messenger": {"enum": ["EM", "GW", "Neutrino"]},
        "spectral_band": PAIR,
        "spectral_band_units": {"enum": ["keV", "nm", "MHz"]},
        "filter": {"type": "array", "items": STRING},
    },
    "core/Statistics": {
        "far": NUMBER,
        "trigger_type": {"enum": ["rate", "image"]},
        "net_count_rate": NUMBER,
        "backgound_count_rate": NUMBER,
        "rate_snr": NUMBER,
        "rate_duration": NUMBER,
        "rate_energy_range": PAIR,
        "image_snr": NUMBER,
        "image_duration": NUMBER,
        "image_energy_range": PAIR,
        "p_astro": NUMBER,
        "classification": CLASSES,
        "properties": CLASSES,
    },
    "core/FollowUp": {
        "ref_type": STRING,
        "ref_instrument": STRING,
        "ref_ID": STRING,
        "reference": ANY_OF_TWO,
    },
    "core/Distance": {"luminosity_distance": NUMBER, "luminosity_distance_error": UNCERTAINTY},
    "core/Redshift": {
        "redshift": NUMBER,
        "redshift_error": UNCERTAINTY,
        "redshift_measure": {"enum": ["spectroscopic", "photometric"]},
        "redshift_type": {"enum": ["emission", "absorption", "host"]},
    },
    "neutrino/Alert": {
        "number_of_events": NUMBER,
        "alert_topology": {"enum": ["Track", "Shower", "Multiplet"]},
    },
}
PARTS = ["Event", "Alert", "Reporter", "Statistics", "Localization", "DateTime"]


def documents() -> dict[str, dict[str, Any]]:
    """Schemas by address."""
    found: dict[str, dict[str, Any]] = {}
    for name, properties in PROPERTIES.items():
        uri = f"{BASE}/{name}.schema.json"
        found[uri] = {
            "$id": uri,
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
        }
    neutrino = found[f"{BASE}/neutrino/Alert.schema.json"]
    neutrino["allOf"] = [{"$ref": f"../core/{part}.schema.json"} for part in PARTS]
    return found
