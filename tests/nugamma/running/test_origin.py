"""Results hold what they were made from, without loss, and say what something else differs in."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from nugamma.errors import RunningError
from nugamma.inference.problem import Problem
from nugamma.running.contents import source_content, source_differences, source_of
from nugamma.running.origin import scan_differences, scan_origin
from nugamma.running.scanning import run_study
from nugamma.running.study import Study
from nugamma.sources import Source, load_source, published_sources
from nugamma.spectra import ParticleSpectrum, PhotonField
from tests.nugamma.inference import synthetic

DATASETS = {
    "cta": {"response": "a" * 64, "revision": 1, "livetime": "200.0 h", "versions": {"x": "1"}},
    "arca": {"response": "b" * 64, "revision": 1, "time_step": "28800.0"},
}
STUDY = Study(share=0.0, pseudo=2)


def through_json(content: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(content)))


@pytest.mark.parametrize("name", published_sources())
def test_published_sources_are_restored_bit_for_bit(name: str) -> None:
    source = load_source(name)
    back = source_of(through_json(source_content(source)))
    assert back.position.ra.deg == source.position.ra.deg
    assert back.position.dec.deg == source.position.dec.deg
    assert back.distance == source.distance
    assert back.radius == source.radius
    assert (back.name, back.morphology) == (source.name, source.morphology)
    assert back.photon_fields == source.photon_fields
    assert source.flux_points is not None
    assert back.flux_points is not None
    assert back.flux_points.colnames == source.flux_points.colnames
    for column in source.flux_points.colnames:
        assert np.array_equal(back.flux_points[column], source.flux_points[column])
    assert source_differences(source_content(source), source_content(back)) == []


@settings(max_examples=40, deadline=None)
@given(
    amplitude=st.floats(1e20, 1e50),
    alpha=st.floats(-5, 5),
    cutoff=st.floats(1e-3, 1e6),
    ra=st.floats(0, 359.999),
    dec=st.floats(-90, 90),
    kpc=st.floats(1e-3, 1e4),
)
def test_any_source_is_restored_bit_for_bit(  # noqa: PLR0917
    amplitude: float, alpha: float, cutoff: float, ra: float, dec: float, kpc: float
) -> None:
    source = Source(
        name="Über",
        position=type(load_source("VelaX").position)(ra, dec, unit="deg"),
        distance=u.Quantity(kpc, "kpc"),
        morphology="point",
        radius=u.Quantity(0, "deg"),
        hadronic=ParticleSpectrum(amplitude, alpha, cutoff),
        photon_fields=(PhotonField("dust", 30.0, 0.5),),
    )
    content = source_content(source)
    back = source_of(through_json(content))
    assert back.hadronic == source.hadronic
    assert back.photon_fields == source.photon_fields
    assert source_content(back) == content


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"distance": u.Quantity(5, "kpc")}, "distance (0.29 kpc and 5.0 kpc)"),
        ({"name": "Vela Y"}, "name (VelaX and Vela Y)"),
        ({"radius": u.Quantity(0.9, "deg")}, "radius (0.8 deg and 0.9 deg)"),
        ({"target_density": u.Quantity(2, "cm-3")}, "target density"),
        ({"photon_fields": (PhotonField("CMB", 2.7, 0.3),)}, "photon fields"),
        ({"morphology": "gaussian"}, "morphology (disk and gaussian)"),
    ],
)
def test_differences_are_named(changes: dict[str, Any], words: str) -> None:
    source = load_source("VelaX")
    other = replace(source, **changes)
    found = source_differences(source_content(source), source_content(other))
    assert len(found) == 1
    assert words in found[0]


def test_flux_points_differ_by_any_value_and_not_by_their_citation() -> None:
    source = load_source("VelaX")
    assert source.flux_points is not None
    points = source.flux_points.copy()
    points.meta["citation"] = "somebody else"
    same = replace(source, flux_points=points, title="Another title")
    assert source_differences(source_content(source), source_content(same)) == []
    points["dnde"][3] *= 1 + 1e-12
    other = replace(source, flux_points=points)
    assert source_differences(source_content(source), source_content(other)) == ["flux points"]


def test_units_are_not_differences() -> None:
    source = load_source("VelaX")
    same = replace(source, distance=u.Quantity(290.0, "pc"))
    assert source_differences(source_content(source), source_content(same)) == []


@pytest.mark.parametrize("change", [{"colour": "red"}, {"distance": {"unit": "kg", "value": 1}}])
def test_content_of_another_version_is_refused(change: dict[str, Any]) -> None:
    content = source_content(load_source("VelaX")) | change
    with pytest.raises(RunningError, match="make the result again"):
        source_of(content)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return synthetic.problem()


@pytest.fixture
def origin(problem: Problem) -> dict[str, Any]:
    source = load_source("VelaX")
    made = scan_origin(
        source,
        problem,
        STUDY,
        datasets=DATASETS,
        options={"time_step": 8.0, "cta_response": Path("x")},
    )
    return through_json(made)


def test_an_origin_is_what_it_was_in_json(origin: dict[str, Any]) -> None:
    assert scan_differences(origin, through_json(origin)) == []
    assert Path(origin["options"]["cta_response"]).is_absolute()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("datasets", "cta", "response"), "c" * 64, "response of CTA (aaaaaaaaaaaa and"),
        (("datasets", "arca", "time_step"), "3600.0", "time step of ARCA (28800.0 s and 3600.0 s)"),
        (("datasets", "cta", "revision"), 2, "revision of CTA (1 and 2)"),
        (("study", "mode"), "profile", "mode (pinned and profile)"),
        (("study", "seed"), 7, "seed (1 and 7)"),
        (("revision",), -1, "revision of the analysis"),
        (("expected", "nu1", "background", 3), 1e6, "expected counts of nu1, background"),
    ],
)
def test_differences_between_scans_are_named(
    origin: dict[str, Any], path: tuple[Any, ...], value: Any, words: str
) -> None:
    other = copy.deepcopy(origin)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (found,) = scan_differences(origin, other)
    assert words in found


def test_other_versions_of_libraries_with_the_same_counts_are_accepted(
    origin: dict[str, Any],
) -> None:
    other = copy.deepcopy(origin)
    other["datasets"]["cta"]["versions"] = {"x": "2"}
    other["expected"]["cta"]["background"][0] *= 1 + 1e-9
    assert scan_differences(origin, other) == []


def test_unfinished_work_names_the_differences(
    tmp_path: Path, problem: Problem, origin: dict[str, Any]
) -> None:
    out = tmp_path / "scan.json"
    run_study(problem, STUDY, out=out, origin=origin)
    study = Study(share=0.0, pseudo=2, seed=9)
    other = copy.deepcopy(origin)
    other["study"]["seed"] = 9
    other["source"]["distance"]["value"] = 4.0
    with pytest.raises(RunningError, match=r"distance \(0.29 kpc and 4.0 kpc\), seed \(1 and 9\)"):
        run_study(problem, study, out=out, origin=other)
    journal = tmp_path / "scan.json.journal"
    journal.write_text('{"format": 1, "key": "x"}\n')
    with pytest.raises(RunningError, match="another version of nugamma; use --restart"):
        run_study(problem, STUDY, out=out, origin=origin)
    journal.write_text("[]\n")
    with pytest.raises(RunningError, match="another version"):
        run_study(problem, STUDY, out=out, origin=origin)
