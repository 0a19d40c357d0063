"""The command line does what its help says, and reports mistakes in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from astropy.table import QTable, Table
from click.testing import CliRunner
from matplotlib.image import imread

from nugamma.cli import main
from nugamma.inference.figures import scan_figure

ARCA230 = Path(__file__).parents[4] / "shared" / "data" / "arca230"
#: A point source that only just sets for ARCA: one or two zenith bins, so that its datasets are
#: made in seconds.
NORTH = {
    "name": "North",
    "title": "North star",
    "position": {"ra": "80 deg", "dec": "48 deg"},
    "distance": "0.3 kpc",
    "morphology": {"type": "point"},
    "hadronic": {"amplitude": "4e31 eV-1", "alpha": 2.0, "e_cutoff": "100 TeV"},
    "leptonic": {"amplitude": "1.5e29 eV-1", "alpha": 2.6, "e_cutoff": "60 TeV"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a source; datasets are kept below it."""
    made = tmp_path_factory.mktemp("nugamma")
    (made / "north.yaml").write_text(yaml.safe_dump(NORTH))
    return made


def run(folder: Path, *words: object, code: int = 0) -> str:
    before = dict(os.environ)
    os.environ["NUGAMMA_CACHE"] = str(folder / "cache")
    for name in ("NUGAMMA_CTA_RESPONSE", "NUGAMMA_ARCA_RESPONSE"):
        os.environ.pop(name, None)
    try:
        result = CliRunner().invoke(main, [str(word) for word in words])
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return str(result.output)


@pytest.fixture(scope="module")
def scanned(folder: Path) -> dict[str, Path]:
    """Return scans of both inputs."""
    paths = {}
    for name in ("leptonic", "hadronic"):
        paths[name] = folder / f"{name}.json"
        run(
            folder,
            "scan",
            folder / "north.yaml",
            "--input",
            name,
            "--pseudo",
            4,
            "--workers",
            1,
            "--time-step",
            120,
            "--out",
            paths[name],
        )
    return paths


def test_datasets_are_listed_and_kept(folder: Path) -> None:
    text = run(folder, "datasets", folder / "north.yaml", "--time-step", 120)
    assert next(line for line in text.splitlines() if line.startswith("North ")).split()[1] == "cta"
    kept = {path.name.split("-North")[0] for path in (folder / "cache").iterdir()}
    assert {"folded-cta", "folded-arca"} <= kept


def test_scan_writes_the_documented_result(folder: Path, scanned: dict[str, Path]) -> None:
    content = json.loads(scanned["leptonic"].read_text())
    assert content["input"] == "leptonic"
    assert content["mode"] == "pinned"
    for scenario in ("gamma", "neutrino", "combined"):
        part = content[scenario]
        assert part["f"] == pytest.approx([i / 20 for i in range(21)])
        assert len(part["dts_mean"]) == len(part["dts_median"]) == 21
        assert 0 <= part["ci90"][0] <= part["ci68"][0] <= part["mode_mean"] + 1e-9
        assert part["mode_mean"] - 1e-9 <= part["ci68"][1] <= part["ci90"][1] <= 1
    assert len(content["pseudo_experiments"]) == 4
    origin = content["provenance"]
    assert {"nugamma", "gammapy", "numpy"} <= set(origin["versions"])
    assert len(origin["inputs"]["source"]["sha256"]) == 64
    assert len(origin["inputs"]["numbers"]) == 64
    assert origin["inputs"]["seed"] == "1"
    assert not list(folder.glob("*.journal*"))


def test_the_seed_decides_and_the_workers_do_not(folder: Path, scanned: dict[str, Path]) -> None:
    def scan(name: str, *more: object) -> dict[str, object]:
        run(
            folder,
            "scan",
            folder / "north.yaml",
            "--input",
            "leptonic",
            "--pseudo",
            4,
            "--time-step",
            120,
            "--out",
            folder / name,
            *more,
        )
        return dict(json.loads((folder / name).read_text()))

    first = json.loads(scanned["leptonic"].read_text())
    again = scan("again.json", "--workers", 2)
    other = scan("other.json", "--workers", 1, "--seed", 2)
    assert again.pop("provenance")
    assert first.pop("provenance")
    assert again["made_from"]
    assert json.dumps(again) == json.dumps(first)
    assert other["combined"] != first["combined"]


def test_asimov_and_profile(folder: Path) -> None:
    for mode in ("pinned", "profile"):
        run(
            folder,
            "scan",
            folder / "north.yaml",
            "--input",
            "hadronic",
            "--asimov",
            "--mode",
            mode,
            "--time-step",
            120,
            "--out",
            folder / f"{mode}.json",
        )
    pinned, profile = (
        json.loads((folder / f"{mode}.json").read_text()) for mode in ("pinned", "profile")
    )
    assert pinned["asimov"]
    assert pinned["combined"]["dts_mean"][-1] == pytest.approx(0, abs=1e-3)
    below = zip(profile["combined"]["dts_mean"], pinned["combined"]["dts_mean"], strict=True)
    assert all(free <= tied + 0.01 for free, tied in below)


def test_limits_by_every_method(folder: Path, scanned: dict[str, Path]) -> None:
    for method in ("published", "hpd", "profile"):
        text = run(folder, "limits", *scanned.values(), "--method", method)
        assert len(text.splitlines()) == 6
        assert "North star, hadronic input" in text
    out = folder / "limits.json"
    run(
        folder,
        "limits",
        scanned["leptonic"],
        "--method",
        "feldman-cousins",
        "--toys",
        10,
        "--workers",
        1,
        "--out",
        out,
    )
    rows = json.loads(out.read_text())["limits"]
    assert [row["scenario"] for row in rows] == ["gamma", "neutrino", "combined"]
    assert all(0 <= row["low"] <= row["high"] <= 1 for row in rows)
    run(folder, "limits", *scanned.values(), "--out", folder / "limits.ecsv")
    table = Table.read(folder / "limits.ecsv")
    assert len(table) == 6
    assert table.meta["level"] == 0.9


def test_a_warning_is_printed_once(folder: Path, scanned: dict[str, Path]) -> None:
    """Even if several steps of a command meet its reason, or several results have it."""
    for words in (
        ("datasets", folder / "north.yaml", "--time-step", 120),
        ("limits", *scanned.values(), *FELDMAN_COUSINS),
    ):
        output = run(folder, *words)
        assert output.count("hardly visible from CTA South") == 1


FELDMAN_COUSINS = ("--method", "feldman-cousins", "--toys", 10, "--workers", 1)


def test_a_result_is_used_from_anywhere_and_with_its_own_source(
    folder: Path, scanned: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the description is gone; where it was changed, only if that is asked for."""
    words = ("limits", scanned["hadronic"], *FELDMAN_COUSINS)
    first = [line for line in run(folder, *words).splitlines() if "truth" in line]
    monkeypatch.chdir(tmp_path)
    copied = tmp_path / "elsewhere.json"
    content = json.loads(scanned["hadronic"].read_text())
    described = tmp_path / "mine.yaml"
    content["provenance"]["inputs"]["source"]["file"] = str(described)
    copied.write_text(json.dumps(content))
    for text in (None, yaml.safe_dump(NORTH | {"distance": "5 kpc"}), "{"):
        if text is None:
            described.unlink(missing_ok=True)
        else:
            described.write_text(text)
        changed_since = text is not None
        if changed_since:
            output = run(folder, "limits", copied.name, *FELDMAN_COUSINS, code=2)
            assert "has changed since the scan" in output.splitlines()[-1]
        wish = ["--stored-source"] if changed_since else []
        output = run(folder, "limits", copied.name, *FELDMAN_COUSINS, *wish)
        assert [line for line in output.splitlines() if "truth" in line] == first


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


def test_the_source_of_a_scan_is_accepted(folder: Path, scanned: dict[str, Path]) -> None:
    words = ("--source", folder / "north.yaml")
    assert "truth" in run(folder, "limits", scanned["hadronic"], *words)


def changed(scan: Path, out: Path, **changes: object) -> Path:
    content = json.loads(scan.read_text())
    for place, value in changes.items():
        part = content
        *keys, last = place.split("__")
        for key in keys:
            part = part[key]
        if value is None:
            del part[last]
        else:
            part[last] = value
    out.write_text(json.dumps(content))
    return out


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


def test_a_fit_is_drawn_from_what_it_holds(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "fit.json"
    run(folder, "fit", "HESSJ1908", "--out", out)
    run(folder, "plot", out, "--out", tmp_path / "fit.png")
    for changes, message in (
        ({"format": 1}, "older version"),
        ({"made_from": None}, "is damaged"),
        ({"made_from__source__distance__value": 9.0}, "do not reproduce its fluxes"),
        ({"hadronic__parameters__alpha__value": 2.9}, "do not reproduce its fluxes"),
    ):
        other = changed(out, tmp_path / "other.json", **changes)
        assert message in run(folder, "plot", other, "--out", tmp_path / "x.png", code=2)


def test_an_unconstrained_cutoff_is_marked(folder: Path, tmp_path: Path) -> None:
    """Gamma rays of a power law from 1 to 8 TeV."""
    energies = [1.0, 2.0, 4.0, 8.0]
    points = [[e, 1e-11 * e**-2.5, 2e-12 * e**-2.5] for e in energies]
    straight = {key: NORTH[key] for key in ("name", "position", "distance", "morphology")}
    described = tmp_path / "straight.yaml"
    described.write_text(yaml.safe_dump(straight | {"flux_points": {"points": points}}))
    assert "(not constrained)" in run(folder, "fit", described, "--out", tmp_path / "fit.json")
    assert "(not" not in run(folder, "fit", "RXJ1713", "--out", tmp_path / "fit.json")


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


def test_fit_has_what_is_documented(folder: Path) -> None:
    out = folder / "fit.json"
    text = run(folder, "fit", "VelaX", "--out", out)
    assert "chi2/ndf 37.7" in text
    content = json.loads(out.read_text())
    for name in ("hadronic", "leptonic"):
        model = content[name]
        assert model["chi2"] / model["ndf"] == pytest.approx(1.79, abs=0.02)
        assert model["dnde_10TeV"]["gamma"] == pytest.approx(2.29e-13, rel=3e-3)
        assert 4.4e-11 < model["integral_0.1_100TeV"]["gamma"] < 4.7e-11
    assert content["provenance"]["versions"]["nugamma"]


def test_sensitivity_is_a_table(folder: Path) -> None:
    out = folder / "sensitivity.ecsv"
    run(folder, "sensitivity", "--declination", -45, "--declination", 20, "--out", out)
    table = QTable.read(out)
    assert len(table) == 2
    assert table["sensitivity"][0] < table["discovery_5sigma"][0]
    run(folder, "plot", out, "--out", folder / "sensitivity.png")
    assert "needs --response" in run(
        folder, "sensitivity", "--telescope", "arca230-track", "--out", out, code=2
    )


def test_a_table_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "s.ecsv"
    said = run(folder, "sensitivity", "--declination", 0, "--out", out, code=2)
    assert f"cannot create the folder {tmp_path / 'file'}" in said
    said = run(folder, "sensitivity", "--declination", 0, "--out", "/proc/s.ecsv", code=2)
    assert "/proc/s.ecsv cannot be written" in said


@pytest.mark.skipif(not ARCA230.is_dir(), reason="needs shared/data/arca230 beside the checkout")
def test_sensitivity_of_arca230(folder: Path) -> None:
    out = folder / "arca230.ecsv"
    run(
        folder,
        "sensitivity",
        "--telescope",
        "arca230-track",
        "--response",
        ARCA230,
        "--declination",
        -45,
        "--index",
        2.0,
        "--index",
        3.0,
        "--out",
        out,
    )
    table = QTable.read(out)
    assert list(table["index"]) == [2.0, 3.0]


def test_plots_are_drawn(folder: Path, scanned: dict[str, Path]) -> None:
    run(folder, "fit", "RXJ1713", "--out", folder / "rxj.json")
    figures = {
        "scans.png": list(scanned.values()),
        "intervals.png": [*scanned.values(), "--intervals"],
        "sed.png": [folder / "rxj.json"],
        "scans.pdf": [scanned["leptonic"]],
    }
    for name, words in figures.items():
        run(folder, "plot", *words, "--out", folder / name)
        if name.endswith("png"):
            assert imread(folder / name).shape[1] > 600
    assert (folder / "scans.pdf").read_bytes().startswith(b"%PDF")


def test_all_curves_fit_into_the_panels(scanned: dict[str, Path]) -> None:
    documents = [json.loads(path.read_text()) for path in scanned.values()]
    for order in (documents, documents[::-1]):
        highest = max(max(d[name]["dts_mean"]) for d in order for name in ("gamma", "combined"))
        for axes in scan_figure(order).axes:
            assert axes.get_ylim()[0] == 0
            assert axes.get_ylim()[1] > highest


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
