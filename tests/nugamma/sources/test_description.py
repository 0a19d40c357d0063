import astropy.units as u
import pytest
import yaml
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from nugamma.errors import SourceError
from nugamma.sources import load_source

MINE = {
    "name": "Mine",
    "position": {"ra": "10 deg", "dec": "-40 deg"},
    "distance": "2000 pc",
    "morphology": {"type": "disk", "radius": "30 arcmin"},
    "flux_points": {
        "units": {"energy": "GeV", "dnde": "cm-2 s-1 GeV-1"},
        "points": [[1e4, 1e-17, 1e-18], [1e3, 1e-15, 1e-16]],
        "citation": "A paper",
    },
}
PROTONS = {"amplitude": "1e35 eV-1", "alpha": 2, "e_cutoff": "0.1 PeV"}


def changed(path, value):
    """A copy of `MINE` with one value changed; None removes the key."""
    content = yaml.safe_load(yaml.safe_dump(MINE))
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


@pytest.fixture
def load(tmp_path):
    def write_and_load(content):
        path = tmp_path / "mine.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return load_source(path)

    return write_and_load


def test_a_described_source_has_the_units_of_the_package(load):
    source = load(MINE)
    assert source.name == source.title == "Mine"
    assert source.distance == 2 * u.kpc
    assert source.radius == 0.5 * u.deg
    assert source.flux_points["e_ref"].value == pytest.approx([1, 10])
    assert source.flux_points["dnde"].to_value("cm-2 s-1 TeV-1") == pytest.approx([1e-12, 1e-14])
    assert source.flux_points.meta["citation"] == "A paper"
    assert [field.name for field in source.photon_fields] == ["CMB"]


VELA = SkyCoord("08h33m08.88s", "-45d11m24s", frame="icrs")


@pytest.mark.parametrize(
    "position",
    [
        "{ra: 128.287 deg, dec: -45.19 deg}",
        "{ra: 08:33:08.88, dec: -45:11:24}",
        "{ra: 8:33:08.88, dec: '-45 11 24'}",
        "{ra: 8h33m8.88s, dec: -45d11m24s}",
        "{ra: 128d17m13.2s, dec: -0.788714288980 rad}",
        "{ra: 8.552466667 hourangle, dec: -2711.4 arcmin}",
        f"{{l: {VELA.galactic.l.deg:.9f} deg, b: {VELA.galactic.b.deg:.9f} deg}}",
        f"{{l: {VELA.galactic.l.deg - 360:.9f} deg, b: {VELA.galactic.b.rad:.11f} rad}}",
    ],
)
def test_positions_in_every_usual_way(load, position):
    """The text as people write it: YAML 1.1 takes 8:33:08.88 for a number of base 60."""
    text = yaml.safe_dump({k: v for k, v in MINE.items() if k != "position"})
    source = load(f"{text}position: {position}\n")
    assert source.position.frame.name == "icrs"
    assert source.position.separation(VELA) < 1e-3 * u.arcsec


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ("{ra: 10 deg}", "dec missing"),
        ("{ra: 10 deg, b: 3 deg}", "give ra and dec"),
        ("{ra: 1 deg, dec: 1 deg, l: 1 deg, b: 1 deg}", "both are given"),
        ("{}", "give ra and dec"),
        ("{l: 10 deg, b: 91 deg}", "position.b: is 91.0 deg; it must be between -90 and 90"),
        ("{ra: 10, dec: 3 deg}", "position.ra: is 10; write a number with a unit"),
        ("{ra: 25:00:00, dec: 3 deg}", "position.ra: is '25:00:00'; write"),
        ("{ra: 10:61:00, dec: 3 deg}", "position.ra: is '10:61:00'; write"),
        ("{ra: 10 deg, dec: 3h0m0s}", "position.dec: is '3h0m0s'; write"),
    ],
)
def test_invalid_positions_are_refused(load, position, message):
    text = yaml.safe_dump({k: v for k, v in MINE.items() if k != "position"})
    with pytest.raises(SourceError, match=message):
        load(f"{text}position: {position}\n")


def test_a_point_needs_no_radius(load):
    assert load(changed("morphology", {"type": "point"})).radius == 0 * u.deg


def test_flux_points_are_found_beside_the_description(load, tmp_path):
    unit = u.Unit("cm-2 s-1 TeV-1")
    table = QTable({"e_ref": [1] * u.TeV, "dnde": [1e-12] * unit, "dnde_err": [1e-13] * unit})
    table.write(tmp_path / "points.ecsv")
    assert len(load(changed("flux_points", {"file": "points.ecsv"})).flux_points) == 1


def test_a_spectral_model_stands_for_flux_points(load):
    content = changed("flux_points", None) | {
        "hadronic": PROTONS,
        "photon_fields": [
            "CMB",
            {"name": "dust", "temperature": "30 K", "energy_density": "0.5 eV cm-3"},
        ],
        "target_density": "10 cm-3",
    }
    source = load(content)
    assert source.hadronic.e_cutoff == pytest.approx(100)
    assert source.leptonic is None
    assert source.photon_fields[1].temperature == 30
    assert source.target_density == 10 / u.cm**3


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("flux_points.points", [], "flux_points are empty"),
        ("flux_points.points", [[1, float("nan"), 1]], "dnde is not a finite number in row 1"),
        ("flux_points.points", [[1, 1, 1], [2, 1, -1]], "dnde_err is not positive in row 2"),
        ("flux_points.points", [[0, 1, 1]], "e_ref is not positive in row 1"),
        ("flux_points.points", [[1, 2]], "flux_points.points.0"),
        ("flux_points.points", None, "either file, or points"),
        ("flux_points.units.dnde", "erg cm-2 s-1", "flux_points.units.dnde: is 'erg cm-2 s-1'"),
        ("flux_points.units.energy", "parrots", "astropy does not know"),
        ("flux_points", {"file": "nowhere.ecsv"}, "nowhere.ecsv"),
        ("flux_points", None, "either flux_points, or a spectral model"),
        ("hadronic", PROTONS, "either flux_points, or a spectral model"),
        ("distance", None, "distance: missing key"),
        ("distance", 0.29, "with its unit, as in 0.29 kpc"),
        ("distance", "3 TeV", "unit like kpc"),
        ("distance", "far away", "unit like kpc"),
        ("distance", "-3 kpc", "must be a positive number"),
        ("distance", "nan kpc", "must be a positive number"),
        ("colour", "blue", "colour: unknown key"),
        ("position.dec", "95 deg", "position.dec: is 95.0 deg; it must be between -90 and 90"),
        ("position.ra", "400 deg", "between 0 and 360"),
        ("morphology.type", "ring", "morphology.type"),
        ("morphology.radius", None, "radius is missing"),
        ("morphology.radius", "0 deg", "radius must be a positive number, not 0.0 deg"),
        ("photon_fields", ["starlight"], "CMB, FIR, NIR"),
        ("photon_fields", [], "photon_fields"),
        ("name", "", "name"),
    ],
)
def test_a_mistake_is_named_with_its_place(load, path, value, message):
    with pytest.raises(SourceError, match="(?s)" + message.replace("'", ".")) as caught:
        load(changed(path, value))
    assert "Traceback" not in str(caught.value)


def test_an_impossible_particle_spectrum_is_refused(load):
    content = changed("flux_points", None)
    with pytest.raises(
        SourceError, match=r"mine.yaml: particle .*e_cutoff must be positive, not -1"
    ):
        load(content | {"hadronic": PROTONS | {"e_cutoff": "-1 TeV"}})


def test_all_mistakes_come_at_once(load):
    content = changed("distance", "3 TeV") | {"colour": "blue"}
    with pytest.raises(SourceError, match=r"(?s)distance.*\n.*colour"):
        load(content)


@pytest.mark.parametrize("text", ["", "just words", "a: [", "- 1"])
def test_an_invalid_description_is_refused(load, text):
    with pytest.raises(SourceError, match=r"mine\.yaml"):
        load(text)


def test_a_missing_description_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.yaml cannot be read: No such file"):
        load_source(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (QTable({"e_ref": [1] * u.TeV}), "no column dnde, e2dnde, flux, eflux or norm"),
        (QTable({"e_ref": [1.0]}), "e_ref has no unit"),
        (QTable({"e_ref": [1] * u.s}), "e_ref has the unit s; it needs one like TeV"),
    ],
)
def test_a_table_with_wrong_columns_is_refused(load, tmp_path, table, message):
    table.write(tmp_path / "points.ecsv")
    with pytest.raises(SourceError, match=message):
        load(changed("flux_points", {"file": "points.ecsv"}))


def test_a_file_that_is_not_a_table_is_refused(load, tmp_path):
    (tmp_path / "points.ecsv").write_text("no table\n")
    with pytest.raises(SourceError, match="ECSV file with the columns e_ref, dnde, dnde_err"):
        load(changed("flux_points", {"file": "points.ecsv"}))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("distance: 1 kpc\n", "duplicate key distance in lines .* and "),
        ("extra: {dec: 1 deg, dec: 2 deg}\n", "duplicate key dec in lines "),
    ],
)
def test_a_key_that_is_given_twice_is_refused(load, text, what):
    with pytest.raises(SourceError, match=what):
        load(yaml.safe_dump(MINE) + text)


@pytest.mark.parametrize("key", ["alpha", "beta"])
def test_a_boolean_is_not_a_number(load, key):
    content = changed("flux_points", None)
    content["hadronic"] = content["leptonic"] = {**PROTONS, key: True}
    with pytest.raises(SourceError, match=f"hadronic.{key}: is True, not a number"):
        load(content)
    with pytest.raises(SourceError, match="is True, not a number"):
        load(changed("flux_points.points", [[1.0, True, 1.0]]))


def test_no_source_is_larger_than_the_sky(load):
    with pytest.raises(SourceError, match="larger than the sky"):
        load(changed("morphology.radius", "200 deg"))
