"""The command line does what its help says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from astropy.table import QTable, Table

from .conftest import NORTH
from .running import FELDMAN_COUSINS, run

ARCA230 = Path(__file__).parents[4] / "shared" / "data" / "arca230"


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


def test_limits_by_every_method(
    folder: Path, scanned: dict[str, Path], coarse: dict[str, Path]
) -> None:
    for method in ("published", "hpd", "profile"):
        text = run(folder, "limits", *scanned.values(), "--method", method)
        assert len(text.splitlines()) == 6
        assert "North star, hadronic input" in text
    out = folder / "limits.json"
    run(folder, "limits", coarse["leptonic"], *FELDMAN_COUSINS, "--out", out)
    rows = json.loads(out.read_text())["limits"]
    assert [row["scenario"] for row in rows] == ["gamma", "neutrino", "combined"]
    assert all(0 <= row["low"] <= row["high"] <= 1 for row in rows)
    run(folder, "limits", *scanned.values(), "--out", folder / "limits.ecsv")
    table = Table.read(folder / "limits.ecsv")
    assert len(table) == 6
    assert table.meta["level"] == 0.9


def test_a_warning_is_printed_once(folder: Path, coarse: dict[str, Path]) -> None:
    """Even if several steps of a command meet its reason, or several results have it."""
    for words in (
        ("datasets", folder / "north.yaml", "--time-step", 120),
        ("limits", *coarse.values(), *FELDMAN_COUSINS),
    ):
        output = run(folder, *words)
        assert output.count("hardly visible from CTA South") == 1


@pytest.fixture(scope="module")
def limits(folder: Path, coarse: dict[str, Path]) -> list[str]:
    """The limits that the hadronic scan gives where it was made."""
    return limits_in(run(folder, "limits", coarse["hadronic"], *FELDMAN_COUSINS))


def limits_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if "truth" in line]


@pytest.fixture
def moved(coarse: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That scan in another folder, made from a description `mine.yaml` which is not there."""
    monkeypatch.chdir(tmp_path)
    content = json.loads(coarse["hadronic"].read_text())
    content["provenance"]["inputs"]["source"]["file"] = str(tmp_path / "mine.yaml")
    copied = tmp_path / "elsewhere.json"
    copied.write_text(json.dumps(content))
    return copied


def test_a_result_is_used_from_anywhere_without_its_description(
    folder: Path, moved: Path, limits: list[str]
) -> None:
    assert limits_in(run(folder, "limits", moved.name, *FELDMAN_COUSINS)) == limits


@pytest.mark.parametrize(
    "text", [yaml.safe_dump(NORTH | {"distance": "5 kpc"}), "{"], ids=["other", "damaged"]
)
def test_a_result_is_used_with_a_changed_description_only_if_asked(
    folder: Path, moved: Path, limits: list[str], text: str
) -> None:
    moved.with_name("mine.yaml").write_text(text)
    words = ("limits", moved.name, *FELDMAN_COUSINS)
    refused = run(folder, *words, code=2)
    assert "has changed since the scan" in refused.splitlines()[-1]
    assert limits_in(run(folder, *words, "--stored-source")) == limits


def test_the_source_of_a_scan_is_accepted(folder: Path, scanned: dict[str, Path]) -> None:
    words = ("--source", folder / "north.yaml")
    assert "truth" in run(folder, "limits", scanned["hadronic"], *words)


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
