"""Mistakes and results that do not belong together are reported in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from .conftest import NORTH
from .running import FELDMAN_COUSINS, changed, run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--time-step", 24], "time step of ARCA (432000.0 s and 86400.0 s)"),
        (["--source", "VelaX"], "VelaX is not the source"),
        (["--source", "far.yaml"], "different distance (0.3 kpc and 5.0 kpc)"),
    ],
)
def test_limits_with_anything_else_are_refused(
    folder: Path,
    scanned: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    words: list[object],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "far.yaml").write_text(yaml.safe_dump(NORTH | {"distance": "5 kpc"}))
    output = run(folder, "limits", scanned["hadronic"], *FELDMAN_COUSINS, *words, code=2)
    assert message in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "written by an older version of nugamma (format 1"),
        ({"format": 99}, "written by another version"),
        ({"made_from__expected__cta__background": [0.0]}, "energies of cta"),
        ({"made_from__datasets__cta__response": "0" * 64}, "different response of CTA"),
        ({"made_from__options__cta_response": "/none/irf.fits"}, "--cta-response"),
        ({"made_from__revision": 1}, "another revision of the analysis (1"),
        ({"made_from": None}, "is damaged"),
        ({"combined": None}, "is damaged"),
        ({"title": None}, "title missing"),
        ({"pseudo_experiments": [{"index": 0}]}, "is damaged"),
        ({"gamma__f": [0.0, 1.0]}, "is damaged"),
        # What a scan says of itself is what it was made from, and what its curves come to.
        ({"input": 0.5}, "its share is 0.5, but it was made with 0.0"),
        ({"pseudo": 7}, "its pseudo is 7"),
        ({"mode": "profile"}, "its mode is profile, but it was made with pinned"),
        ({"made_from__study__seed": 8}, "its seed is"),
        ({"made_from__study__pseudo": 70, "pseudo": 70}, "of 70 pseudo-experiments"),
        ({"combined__f": [place / 40 for place in range(21)]}, "fractions of combined"),
        ({"neutrino__ci90": [0.0, 0.123]}, "ci90 of neutrino disagrees with its curves"),
        ({"gamma__mode_mean": "x"}, "is damaged"),
        ({"source": {"a": 1}}, "its source is not text"),
        ({"made_from__datasets": []}, "made_from has no datasets"),
    ],
)
def test_scans_that_do_not_fit_are_refused(
    folder: Path,
    scanned: dict[str, Path],
    tmp_path: Path,
    changes: dict[str, object],
    message: str,
) -> None:
    scan = changed(scanned["leptonic"], tmp_path / "changed.json", **changes)
    output = run(folder, "limits", scan, *FELDMAN_COUSINS, code=2)
    assert message in output.splitlines()[-1]


def test_scans_of_two_revisions_are_not_compared(
    folder: Path, scanned: dict[str, Path], tmp_path: Path
) -> None:
    older = changed(scanned["leptonic"], tmp_path / "old.json", made_from__revision=4)
    for words in (("limits",), ("plot", "--out", tmp_path / "x.png")):
        command, *rest = words
        output = run(folder, command, scanned["leptonic"], older, *rest, code=2)
        assert "revision 4, so they cannot be compared" in output


def test_a_scan_does_not_continue_another_one(folder: Path, tmp_path: Path) -> None:
    """The work of a scan that was stopped, with a source that was changed meanwhile."""
    described, out = tmp_path / "s.yaml", tmp_path / "s.json"
    described.write_text(yaml.safe_dump(NORTH))
    words = ("scan", described, "--input", "leptonic", "--asimov", "--time-step", 120, "--out", out)
    run(folder, *words)
    origin = json.loads(out.read_text())["made_from"]
    journal = tmp_path / "s.json.journal"
    journal.write_text(json.dumps({"format": 2, "key": "x", "origin": origin}) + "\n")
    described.write_text(yaml.safe_dump(NORTH | {"distance": "5 kpc"}))
    assert "different distance (0.3 kpc and 5.0 kpc)" in run(folder, *words, code=2)


def test_outputs_that_cannot_be_written_are_named(
    folder: Path, scanned: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    inside = tmp_path / "file" / "x.png"
    words = ("plot", scanned["leptonic"], "--out", inside)
    assert "cannot create the folder" in run(folder, *words, code=2)
    (tmp_path / "folder.png").mkdir()
    words = ("plot", scanned["leptonic"], "--out", tmp_path / "folder.png")
    assert "folder.png" in run(folder, *words, code=2)
    words = ("scan", "VelaX", "--input", "leptonic", "--out", inside)
    assert "cannot create the folder" in run(folder, *words, code=2)


def test_files_that_do_not_go_into_one_figure_are_refused(
    folder: Path, scanned: dict[str, Path], tmp_path: Path
) -> None:
    table = tmp_path / "s.ecsv"
    run(folder, "sensitivity", "--declination", -30, "--out", table)
    figure = ("--out", tmp_path / "x.png")
    assert "not a mixture" in run(folder, "plot", table, scanned["leptonic"], *figure, code=2)
    assert "not a mixture" in run(folder, "plot", table, table, *figure, code=2)
    assert "for scans only" in run(folder, "plot", table, "--intervals", *figure, code=2)


def test_a_table_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "s.ecsv"
    said = run(folder, "sensitivity", "--declination", 0, "--out", out, code=2)
    assert f"cannot create the folder {tmp_path / 'file'}" in said
    said = run(folder, "sensitivity", "--declination", 0, "--out", "/proc/s.ecsv", code=2)
    assert "/proc/s.ecsv cannot be written" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "VelaY", "--out", "x.json"], "did you mean VelaX"),
        (["scan", "no.yaml", "--input", "leptonic", "--out", "x.json"], "no.yaml"),
        (["limits", "missing.json"], "missing.json cannot be read"),
        (["limits", "north.yaml"], "not JSON"),
        (["plot", "missing.json", "--out", "x.png"], "cannot be read"),
        (["plot", "missing.json", "--out", "x.doc"], "use a file name that ends in"),
        (["plot", "empty.json", "--out", "x.png"], "not a mixture"),
        (["limits", "empty.json"], "not a result of `nugamma scan`"),
        (["limits", "empty.json", "--out", "x.fits"], "written to .json or .ecsv"),
    ],
)
def test_mistakes_are_reported_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty.json").write_text("{}")
    output = run(folder, *words, code=2)
    assert message in output
    assert len(output.splitlines()) == 1
