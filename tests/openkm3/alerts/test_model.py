"""The types accept what KM3NeT's JSON Schema accepts, and say what is wrong where."""

import copy
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from openkm3 import alerts

from .gcn_core import documents
from .samples import EXAMPLES, FULL, example, shared


@pytest.fixture(scope="module")
def schema():
    ours = json.loads(shared("alerts/alert.schema.json").read_text())
    resources = [(uri, Resource.from_contents(text)) for uri, text in documents().items()]
    return jsonschema.Draft202012Validator(ours, registry=Registry().with_resources(resources))


def accepted(document) -> bool:
    try:
        alerts.Alert.from_json(document)
    except alerts.AlertError:
        return False
    return True


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_accepted_and_come_out_unchanged(name, schema):
    document = example(name)
    schema.validate(document)
    alert = alerts.read(shared(f"alerts/{name}"))
    assert json.loads(alert.to_json()) == document
    assert alert.problems() == []


def test_the_full_alert_is_valid_by_the_schema(schema):
    schema.validate(FULL)
    assert json.loads(alerts.Alert.from_json(FULL).to_json()) == FULL


VALUES = [
    None, True, 0, -1, 2.5, "", "Track", "track", "update", "Neutrino", [], [1], [1, 2], ["a"],
    [1, 2, 3], [1, 2, 3, 4], [None], {}, {"a": 1}, {"a": "b"}, {"a": None}, [[]], [{}], [{"ra": 1}],
    [{"ra": "1"}], [{"cos_zenith": None}], [{"reference": {"a": []}}], "spectroscopic", "keV",
]  # fmt: skip


def places(document, path=()):
    """All places of a document where a value can be replaced."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def fields_of_all_schemas():
    return sorted({name for text in documents().values() for name in text["properties"]})


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_mutated_alerts_are_judged_as_the_schema_judges(schema, data):
    document = copy.deepcopy(FULL)
    for _ in range(data.draw(st.integers(1, 2))):
        *path, key = data.draw(st.sampled_from(list(places(document))))
        parent = document
        for part in path:
            parent = parent[part]
        action = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "remove":
            del parent[key]
        elif action == "replace":
            parent[key] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        elif isinstance(parent, dict):
            field = data.draw(st.sampled_from(fields_of_all_schemas()))
            parent[field] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        if not document:
            break
    assert accepted(document) == schema.is_valid(document)


@pytest.mark.parametrize("field", fields_of_all_schemas())
def test_every_field_is_judged_as_the_schema_judges(schema, field):
    for value in VALUES:
        for document in ({field: value}, {"event_details": [{field: value}]}):
            assert accepted(document) == schema.is_valid(document), document
        document = {"counterpart_info": [{field: value}]}
        assert accepted(document) == schema.is_valid(document), document


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"dec": "18"}, "dec", "must be a number"),
        ({"ra": None}, "ra", "must not be null"),
        ({"alert_type": "final"}, "alert_type", "'retraction'"),
        ({"event_details": [{}, {"ra": True}]}, "event_details[1].ra", "must be a number"),
        ({"counterpart_info": [{"redshift": "1"}]}, "counterpart_info[0].redshift", "a number"),
        ({"counterpart_info": 1}, "counterpart_info", "or a list of sources"),
        ({"ra_dec_error": []}, "ra_dec_error", "1 to 3 items"),
    ],
)
def test_a_wrong_type_is_named_with_its_path(change, path, message):
    with pytest.raises(alerts.AlertError) as caught:
        alerts.Alert.from_json(FULL | change)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert message in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"dec": 120}, "dec"),
        ({"ra": -1}, "ra"),
        ({"trigger_time": "yesterday"}, "trigger_time"),
        ({"alert_datetime": "2025-02-30T00:00:00Z"}, "alert_datetime"),
        ({"trigger_time": "2025-02-03"}, "trigger_time"),
        ({"p_value": 1.5}, "p_value"),
        ({"far": -1e-9}, "far"),
        ({"number_of_events": 2}, "number_of_events"),
        ({"record_number": 1}, "record_number"),
        ({"record_number": 2.5}, "record_number"),
        ({"instrument": "IceCube"}, "instrument"),
        ({"event_name": []}, "event_name"),
        ({"event_details": [{"cos_zenith": 1.01}]}, "event_details[0].cos_zenith"),
        ({"event_details": [{"energy_measured": -1}]}, "event_details[0].energy_measured"),
        ({"event_details": [{"ra": 1}]}, "event_details[0].dec"),
        ({"counterpart_info": [{"ra": 1, "dec": 99}]}, "counterpart_info[0].dec"),
    ],
)
def test_impossible_values_are_found_with_their_path(change, path):
    alert = alerts.Alert.from_json(FULL | change)
    assert [problem.path for problem in alert.problems()] == [path]
    with pytest.raises(alerts.AlertError, match=r"^alert: "):
        alerts.read(json.dumps(FULL | change).encode())


def test_up_going_has_cos_zenith_plus_one():
    up = alerts.NeutrinoEvent(cos_zenith=1)
    assert up.up_going is True
    assert up.source_zenith == pytest.approx(180)
    down = alerts.NeutrinoEvent(cos_zenith=-0.5)
    assert down.up_going is False
    assert down.source_zenith == pytest.approx(60)
