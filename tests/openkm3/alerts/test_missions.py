"""Notices of other missions become the same model, with GCN's units, and nothing is lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from astropy import units as u
from astropy.time import Time

from openkm3 import alerts
from tests.npm import NoPackages, installed

from .packets import SNEWS, SWIFT, Packet, fermi, icecube, lvk
from .samples import shared

PER_YEAR = (1 / u.yr).to_value(u.Hz)


def read(packet: Packet) -> alerts.Alert:
    assert alerts.validate_voevent(packet.xml()) == []
    return alerts.read(packet.xml())


def kept(alert: alerts.Alert, name: str) -> list[str]:
    return [entry["value"] for entry in alert.fields()["voevent_params"] if entry["name"] == name]


@pytest.mark.parametrize(
    ("stream", "pipeline", "topology"),
    [
        ("GOLD", "Gold Track Alert", "Track"),
        ("BRONZE", "Bronze Track Alert", "Track"),
        ("Cascade", "Cascade Alert", "Shower"),
    ],
)
def test_an_icecube_notice(stream, pipeline, topology):
    alert = read(icecube(stream, "0"))
    assert (alert.mission, alert.messenger, alert.pipeline) == ("IceCube", "Neutrino", pipeline)
    assert (alert.alert_topology, alert.id) == (topology, "134191_17593623")
    assert alert.far == pytest.approx(0.2894 * PER_YEAR, rel=1e-12)
    assert alert.p_astro == 0.8283
    assert alert.event_details[0].energy_measured == pytest.approx(496363.7, rel=1e-12)
    assert (alert.ra, alert.dec, alert.ra_dec_error) == (143.4519, 3.7891, 0.9201)
    assert (alert.containment_probability, alert.fields()["src_error_50"]) == (0.9, 0.3584)
    assert alert.trigger_time == "2020-06-15T14:49:17.37Z"
    assert (alert.alert_type, alert.record_number, alert.role) == ("initial", 1, "observation")


def test_an_icecube_revision_and_retraction():
    alert = read(icecube("GOLD", "1"))
    assert (alert.alert_type, alert.record_number, alert.ra) == ("update", 2, 142.9499)
    withdrawn = read(icecube("GOLD", "1", groups={("T", ""): (("Retraction", "true"),)}))
    assert withdrawn.alert_type == "retraction"


def test_a_gravitational_wave():
    alert = read(lvk(5, "Update", cited=("4-Update", "3-Preliminary")))
    assert (alert.mission, alert.messenger, alert.name) == ("LVK", "GW", "S190814bv")
    assert (alert.instrument, alert.pipeline, alert.far) == (
        "H1,L1,V1",
        "gstlal",
        2.03262501422e-33,
    )
    assert (alert.alert_type, alert.record_number) == ("update", 5)
    assert alert.classification == {"NSBH": 0.99789, "MassGap": 0.00211}
    assert alert.properties == {"HasNS": 0.997890295359, "HasRemnant": 0.0}
    assert alert.healpix_url == "https://example.org/LALInference.v1.fits.gz"
    assert (alert.ra, alert.ivorn) == (None, "ivo://gwnet/LVC#S190814bv-5-Update")


@pytest.mark.parametrize(
    ("number", "kind", "cited", "said"),
    [
        (1, "Preliminary", (), "initial"),
        (1, "EarlyWarning", (), "initial"),
        (2, "Initial", ("1-Preliminary",), "update"),
        # They cite what they retract as superseded.
        (3, "Retraction", ("2-Initial", "1-Preliminary"), "retraction"),
    ],
)
def test_the_types_of_gravitational_wave_notices(number, kind, cited, said):
    assert read(lvk(number, kind, cited)).alert_type == said


def test_an_injection_of_gravitational_waves_is_a_test():
    params = (("GraceID", "S190814bv"), ("HardwareInj", "1"))
    assert read(lvk(1, "Preliminary", params=params)).role == "test"


def test_a_burst_of_fermi():
    alert = read(fermi("Flt_Pos"))
    assert (alert.mission, alert.instrument, alert.id) == ("Fermi", "GBM", "336801278")
    assert (alert.ra, alert.dec, alert.ra_dec_error) == (193.0, -31.75, 17.4333)
    # GCN's trigger.schema.json gives this radius as 68 % containment.
    assert (alert.containment_probability, alert.record_number) == (0.68, 45)
    assert kept(alert, "Most_Likely_Prob") == ["93"]


def test_a_position_that_is_not_known_yet_is_missing_and_not_zero():
    alert = read(fermi("Alert"))
    assert (alert.ra, alert.dec, alert.ra_dec_error) == (None, None, None)
    assert alert.trigger_time == "2017-09-10T11:47:32.43Z"
    assert kept(alert, "Hi_Chan_Energy") == ["infinity"]


def test_a_burst_of_swift():
    alert = read(SWIFT)
    assert (alert.mission, alert.instrument, alert.name) == ("Swift", "BAT", "GRB 120907")
    assert (alert.ra, alert.dec, alert.ra_dec_error) == (74.7412, -9.3137, 0.05)
    assert {"group": "Solution_Status", "name": "GRB_Identified", "value": "true"} in (
        alert.fields()["voevent_params"]
    )
    # The 1.0 of Why is GCN's for every packet.
    assert (alert.p_astro, alert.role) == (None, "observation")


@pytest.mark.parametrize("flag", ["Test", "Test_Submission", "InternalTest"])
def test_a_flag_that_says_test_is_enough(flag):
    assert read(replace(SWIFT, groups={("Flags", ""): ((flag, "true"),)})).role == "test"


def test_a_localization_of_the_whole_sky_is_none():
    alert = read(SNEWS)
    assert (alert.ra, alert.dec, alert.role) == (None, None, "test")


UNKNOWN = Packet("ivo://somewhere/Else#1", time="2024-01-01T00:00:00", position=("1", "2", "0.5"))


@pytest.mark.parametrize(
    ("unit", "far"),
    [
        ("Hz", 2.0),
        ("yr^-1", 2 * PER_YEAR),
        ("1/yr", 2 * PER_YEAR),
        ("per year", 2 * PER_YEAR),
        ("day-1", 2 / 86400),
        ("mHz", 2e-3),
        # Neither a guess nor an error: the Param stays as it is.
        ("", None),
        ("apples", None),
        ("deg", None),
    ],
)
def test_a_false_alarm_rate_in_any_unit(unit, far):
    param = ("FAR", "2", unit) if unit else ("FAR", "2")
    alert = read(replace(UNKNOWN, params=(param,)))
    assert alert.far == (None if far is None else pytest.approx(far, rel=1e-12))
    assert kept(alert, "FAR") == ["2"]


@pytest.mark.parametrize("value", ["NaN", "infinity", "n/a", ""])
def test_a_number_that_is_none_is_missing(value):
    alert = read(replace(UNKNOWN, params=(("FAR", value, "Hz"), ("signalness", value))))
    assert (alert.far, alert.p_astro) == (None, None)
    assert kept(alert, "FAR") == [value]


@pytest.mark.parametrize(
    ("unit", "position"),
    [
        ("deg", ("30", "-60", "0.5")),
        ("degrees", ("30", "-60", "0.5")),
        ("rad", ("0.5235987755982988", "-1.0471975511965976", "0.008726646259971648")),
        ("arcmin", ("1800", "-3600", "30")),
        ("hr-deg", ("2", "-60", "0.5")),
        ("deg-deg", ("30", "-60", "0.5")),
    ],
)
def test_positions_and_radii_in_any_unit(unit, position):
    alert = read(replace(UNKNOWN, unit=unit, position=position))
    assert (alert.ra, alert.dec, alert.ra_dec_error) == pytest.approx((30, -60, 0.5), rel=1e-12)


@pytest.mark.parametrize("attribute", ["pos_unit", "unit"])
def test_the_unit_that_a_radius_says_itself_counts(attribute):
    packet = replace(UNKNOWN, unit="deg", position=("30", "-60", "30")).xml()
    marked = packet.replace(b"<Error2Radius>", f'<Error2Radius {attribute}="arcmin">'.encode())
    assert marked != packet
    alert = alerts.read(marked)
    assert (alert.ra, alert.dec) == (30, -60)
    assert alert.ra_dec_error == pytest.approx((30 * u.arcmin).to_value("deg"))


@pytest.mark.parametrize(
    ("unit", "energy"),
    [("dex(GeV)", (5.1 * u.dex(u.GeV)).physical.value), ("mag", None), ("dex", None)],
)
def test_a_number_in_a_logarithmic_unit_is_converted_or_kept_as_it_is(unit, energy):
    alert = read(replace(UNKNOWN, params=(("energy", "5.1", unit),)))
    found = alert.event_details[0].energy_measured if alert.event_details else None
    assert found == (None if energy is None else pytest.approx(energy))
    assert kept(alert, "energy") == ["5.1"]


def test_coordinates_are_taken_by_their_names():
    alert = read(replace(UNKNOWN, names=("Dec", "RA"), position=("-60", "200", "0.5")))
    assert (alert.ra, alert.dec) == (200, -60)


@pytest.mark.parametrize(
    ("frame", "time", "scale"),
    [
        ("TT-ICRS-GEO", Time("2024-01-01T00:00:00", scale="tt"), "TT"),
        # GPS time was 18 s ahead of UTC in 2024 (IERS Bulletin C).
        ("GPS-FK5-TOPO", Time("2023-12-31T23:59:42", scale="utc"), "GPS"),
    ],
)
def test_times_of_other_scales_become_utc(frame, time, scale):
    found = Time(read(replace(UNKNOWN, frame=frame)).trigger_time.removesuffix("Z"), scale="utc")
    assert abs((found - time).to_value(u.s)) < 1e-5, scale


def test_a_leap_second_is_a_time():
    alert = read(replace(UNKNOWN, time="2016-12-31T23:59:60.5"))
    assert alert.trigger_time == "2016-12-31T23:59:60.5Z"


def test_a_barycentric_time_becomes_that_at_the_earth():
    # Seen from the ecliptic pole the light needs about as long to either.
    pole = replace(UNKNOWN, frame="TDB-ICRS-BARY", position=("270", "66.56", "0.5"))
    found = Time(read(pole).trigger_time.removesuffix("Z"), scale="utc")
    assert abs((found - Time("2024-01-01T00:00:00", scale="tdb")).to_value(u.s)) < 10
    # On 1 January the Earth stands towards RA 100 deg: the light is 8.2 min early there.
    towards = replace(pole, position=("100.4", "23.1", "0.5"))
    early = Time(read(towards).trigger_time.removesuffix("Z"), scale="utc")
    assert (found - early).to_value(u.min) == pytest.approx(8.2, abs=0.2)


def test_a_barycentric_time_without_position_is_refused():
    packet = replace(UNKNOWN, frame="TDB-ICRS-BARY", position=None).xml()
    with pytest.raises(alerts.AlertError, match="TDB-ICRS-BARY without a position"):
        alerts.read(packet)


def test_tables_are_kept():
    table = (
        '<Table name="flux"><Field name="e" unit="TeV"/><Field name="f"/>'
        "<Data><TR><TD>1</TD><TD>2.5</TD></TR><TR><TD>3</TD><TD></TD></TR></Data></Table>"
    )
    packet = UNKNOWN.xml().replace(b"<What/>", f"<What>{table}</What>".encode())
    assert alerts.validate_voevent(packet) == []
    assert alerts.read(packet).fields()["voevent_tables"] == [
        {
            "name": "flux",
            "fields": [{"name": "e", "unit": "TeV"}, {"name": "f"}],
            "rows": [["1", "2.5"], ["3", None]],
        }
    ]


def test_unknown_params_of_our_own_packets_survive():
    packet = Packet("ivo://km3net.org/VOEvent#A", (("Mood", "7", "deg"),), role="test").xml()
    alert = alerts.read(packet)
    assert alert.fields()["voevent_params"] == [
        {"group": "", "name": "Mood", "value": "7", "unit": "deg"}
    ]
    assert alerts.read(alert.to_voevent()) == alert


@pytest.mark.parametrize("packet", [icecube("GOLD", "0"), SWIFT, UNKNOWN])
def test_only_our_own_alerts_are_written(packet):
    with pytest.raises(alerts.AlertError, match="only KM3NeT's own"):
        read(packet).to_voevent()


MISSIONS = ("fermi", "icecube", "km3net", "superk", "swift")


@pytest.fixture(scope="session")
def gcn_examples():
    try:
        folder = installed(Path(__file__).parent / "gcn", "gcn-notices")
    except NoPackages as error:
        pytest.skip(str(error))
    notices = folder / "node_modules/@nasa-gcn/schema/gcn/notices"
    return {path.relative_to(notices): path for path in notices.rglob("*.example.json")}


@pytest.mark.parametrize("mission", MISSIONS)
def test_all_of_gcns_examples_are_read_and_nothing_is_lost(mission, gcn_examples):
    found = {name: path for name, path in gcn_examples.items() if name.parts[0] == mission}
    assert found
    for name, path in found.items():
        document = json.loads(path.read_text())
        alert = alerts.read(path)
        assert document.items() <= json.loads(alert.to_json()).items(), name
        assert alerts.read(alert.to_json().encode()) == alert, name


def test_an_icecube_track_in_json():
    alert = alerts.read(
        shared("networks/gcn-single_neutrino_alerts.gold_bronze_track_alerts.example.json")
    )
    # The schema: nu_energy is in TeV, far in Hz.
    assert alert.event_details[0].energy_measured == 127290
    assert (alert.far, alert.p_astro, alert.name) == (8.029e-8, 0.34064, "IceCube-230416A")


def test_an_icecube_search_in_json():
    alert = alerts.read(shared("networks/gcn-lvk_nu_track_search.example.json"))
    assert (alert.mission, alert.name, alert.number_of_events) == ("IceCube", "S230914ak", 2)
    assert (alert.ra, alert.dec, alert.p_value) == (17.49, 16.18, 0.0191)
    assert [event.ra for event in alert.event_details] == [17.48, 13.82]
    assert alert.event_details[0].containment_probability == 0.9


def test_a_supernova_in_json():
    alert = alerts.read(shared("networks/gcn-sn_alert.test.example.json"))
    assert (alert.mission, alert.number_of_events, alert.role) == (
        "Super-Kamiokande",
        64176,
        "test",
    )


#: The example of LIGO, Virgo and KAGRA's Public Alerts User Guide.
SUPEREVENT = {
    "alert_type": "PRELIMINARY",
    "time_created": "2018-11-01T22:34:49Z",
    "superevent_id": "MS181101ab",
    "urls": {"gracedb": "https://example.org/superevents/MS181101ab/view/"},
    "event": {
        "time": "2018-11-01T22:22:46.654Z",
        "far": 9.11069936486e-14,
        "significant": True,
        "instruments": ["H1", "L1", "V1"],
        "pipeline": "gstlal",
        "properties": {"HasNS": 0.95, "HasMassGap": None},
        "classification": {"BNS": 0.95, "Terrestrial": 0.01},
        "duration": None,
        "skymap": "U0lNUExFICA9",
    },
    "external_coinc": None,
}


def test_a_gravitational_wave_in_json():
    alert = alerts.read(json.dumps(SUPEREVENT).encode())
    assert (alert.mission, alert.name, alert.alert_type) == ("LVK", "MS181101ab", "initial")
    assert (alert.far, alert.instrument, alert.pipeline) == (
        9.11069936486e-14,
        "H1,L1,V1",
        "gstlal",
    )
    assert alert.trigger_time == "2018-11-01T22:22:46.654Z"
    assert alert.healpix_file == "U0lNUExFICA9"
    assert alert.classification == {"BNS": 0.95, "Terrestrial": 0.01}
    assert alert.role == "test"  # a mock event
    assert alert.fields()["event"]["significant"] is True
    real = alerts.read(json.dumps(SUPEREVENT | {"superevent_id": "S181101ab"}).encode())
    assert real.role == "observation"


def test_a_retraction_of_a_gravitational_wave_in_json():
    document = SUPEREVENT | {"alert_type": "RETRACTION", "event": None}
    alert = alerts.read(json.dumps(document).encode())
    assert (alert.alert_type, alert.far, alert.trigger_time) == ("retraction", None, None)
