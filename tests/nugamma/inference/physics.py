"""The long checks (`make physics`): published results and coverage, with figures to report.

    python -m tests.nugamma.inference.physics [golden] [rules [COUNT]] [coverage [COUNT]]
                                              [small [COUNT]]

`rules` prints the tables of 90 % limits of `nugamma.inference`'s README. `small` is the coverage of
mode profile for a synthetic source with few groups, in minutes.

Needs the published inputs in shared/data/joint beside the checkout. Datasets are kept in
.platform/nugamma. Exits with 1 where something is off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from astropy.table import Table

from nugamma.inference.intervals import Posterior
from nugamma.inference.limits import coverage, intervals
from nugamma.inference.problem import Problem
from nugamma.inference.scans import SCENARIOS
from nugamma.running.scanning import run_study
from nugamma.running.study import Study
from nugamma.running.workers import workers
from nugamma.sources import load_source
from tests.nugamma.inference import rules, synthetic

ROOT = Path(__file__).parents[3]
JOINT = ROOT.parent / "shared" / "data" / "joint"
CACHE = ROOT / ".platform" / "nugamma"
SOURCES = ("VelaX", "RXJ1713")
#: Those whose published scans are not among the inputs.
OTHERS = ("HESSJ1908", "Westerlund1")
SMALL = "synthetic"

#: Two sets of a hundred pseudo-experiments differ by this many standard errors at most, in twelve
#: wrong ends and 48 ends of mean intervals, which go together in threes and fours.
SIGMAS = 3.0
#: 90 % limits of the Asimov curves are those of the averaged published curves to this.
WITHIN = 0.05
#: Mode profile gets fewer pseudo-experiments.
SLOWER = 10
#: Draws of a bootstrap.
DRAWS = 200
#: Whose intervals and averaged limit are known to differ by more: that they agree is not claimed.
#: The README of `nugamma.inference` states the difference, and this check says it whenever it runs;
#: it fails where the statement has become wrong. The wrong end of this case (where one component
#: is left, so that no minimiser is stuck between two) and its Asimov limit are held to the bounds.
DIFFERENT = {("VelaX", 0, "gamma")}


@cache
def problem(name: str) -> Problem:
    """A published source with CTA's published response, or the synthetic one."""
    if name == SMALL:
        return synthetic.problem()
    from nugamma.datasets import build
    from nugamma.datasets.published import ARCA, CTA

    source = load_source(name)
    response = JOINT / "irf_file_new_CTA.fits"
    instruments = [CTA.replace(response=response), ARCA]
    return Problem.of(source, build(source, instruments, cache=CACHE, report=print))


def scans(name: str, study: Study) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Scenario, fitted fractions and delta TS of all pseudo-experiments."""
    entries = run_study(problem(name), study, workers=workers())
    for number, scenario in enumerate(SCENARIOS):
        yield (
            scenario,
            np.array([entry["fraction"][number] for entry in entries]),
            np.array([entry["dts"][number] for entry in entries]),
        )


@cache
def published(name: str, share: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fitted fractions and delta TS of the published pseudo-experiments, by scenario."""
    table = Table.read(JOINT / f"scan_{name}_{share}.0.csv")
    table.sort(["case", "seed", "f_value"])
    found = {}
    for case, scenario in enumerate(SCENARIOS, start=1):
        part = table[table["case"] == case]
        pion, compton, dts = (
            np.array(part[column]).reshape(-1, 21) for column in ("int_PD", "int_IC", "stat_total")
        )
        # of KM3NeT alone the column holds f itself
        found[scenario] = (pion if scenario == "neutrino" else pion / (pion + compton), dts)
    return found


def golden(mode: str = "pinned", pseudo: int = 100) -> list[str]:
    """Compare a hundred pseudo-experiments with the published ones."""
    wrong = []
    for name in SOURCES:
        for share in (0, 1):
            study = Study(share=float(share), pseudo=pseudo, mode=mode)  # type: ignore[arg-type]
            expected = {s: (f, d) for s, f, d in scans(name, replace(study, pseudo=0))}
            for scenario, fraction, dts in scans(name, study):
                theirs = published(name, share)[scenario]
                case = (name, share, scenario)
                wrong += compare(case, (fraction, dts), theirs, expected[scenario])
    return wrong


Set = tuple[np.ndarray, np.ndarray]


def compare(case: tuple[str, int, str], ours: Set, theirs: Set, asimov: Set) -> list[str]:
    """Print one case and say what is off."""
    hadronic = case[1] == 1
    ends = [dts[:, 0 if hadronic else -1] for _, dts in (ours, theirs)]
    pull = pulls(*(end[:, None] for end in ends))[0]
    texts, apart = [], 0.0
    for level in (0.68, 0.9):
        found, wanted = (intervals(*one, level, "published") for one in (ours, theirs))
        low, high = found.mean(axis=0)
        apart = max(apart, float(np.abs(pulls(found, wanted)).max()))
        texts.append(f"{100 * level:.0f} % [{low:.3f}, {high:.3f}]")
    (mean, error), (wanted_limit, its_error) = (
        limits(*one, hadronic=hadronic) for one in (ours, theirs)
    )
    limit = averaged_limit(*asimov, hadronic=hadronic)
    off = (mean - wanted_limit) / np.hypot(error, its_error)
    print(
        f"{case[0]:8} f={case[1]} {case[2]:9} wrong end {ends[0].mean():6.2f} "
        f"({ends[1].mean():6.2f}, {pull:+.1f} sigma)  {'  '.join(texts)} {apart:.1f} sigma  "
        f"limit {mean:.3f} +- {error:.3f} ({wanted_limit:.3f} +- {its_error:.3f}, "
        f"{off:+.1f} sigma), Asimov {limit:.3f}",
        flush=True,
    )
    wrong = []
    if abs(pull) > SIGMAS:
        wrong.append(f"{case}: wrong end {pull:+.1f} sigma from the published one")
    if abs(limit - wanted_limit) > WITHIN:
        wrong.append(f"{case}: Asimov limit {limit:.3f}, published {wanted_limit:.3f}")
    beyond = max(apart, abs(off)) > SIGMAS
    words = f"{case}: intervals {apart:.1f} sigma, limit {off:+.1f} sigma from the published ones"
    if beyond and case in DIFFERENT:
        print(f"DIFFERS, as the README says: {words}")
    elif beyond:
        wrong.append(words)
    elif case in DIFFERENT:
        wrong.append(f"{words}: they agree, but the README says that they differ")
    return wrong


def pulls(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Differences of two means in standard errors, a column a number."""
    errors = [one.std(axis=0) / np.sqrt(len(one)) for one in (ours, theirs)]
    return np.asarray((ours.mean(axis=0) - theirs.mean(axis=0)) / np.hypot(*errors))


def averaged_limit(fraction: np.ndarray, dts: np.ndarray, *, hadronic: bool) -> float:
    """90 % limit on f from the averaged curve: its end that is not a bound of f."""
    curve = dts.mean(axis=0)
    posterior = Posterior(fraction.mean(axis=0), curve - curve.min())
    return posterior.credible_interval(0.9)[0 if hadronic else 1]


def limits(fraction: np.ndarray, dts: np.ndarray, *, hadronic: bool) -> tuple[float, float]:
    """Limit from the averaged curve, and its error by a bootstrap."""
    random = np.random.default_rng(1)
    drawn = [
        averaged_limit(fraction[some], dts[some], hadronic=hadronic)
        for some in random.integers(0, len(dts), (DRAWS, len(dts)))
    ]
    return averaged_limit(fraction, dts, hadronic=hadronic), float(np.std(drawn))


def covered(count: int, mode: str, names: tuple[str, ...] = SOURCES) -> None:
    """Share of 90 % intervals that contain the truth, for all methods but Feldman-Cousins'."""
    for name in names:
        for share in (0.0, 0.5, 1.0):
            study = Study(share=share, pseudo=count, mode=mode, seed=7)  # type: ignore[arg-type]
            for scenario, fraction, dts in scans(name, study):
                # the truth as the intervals mean it: a fraction of the flux
                one = problem(name)
                protons = one.protons.band @ one.hadronic.values(one.protons.nodes)
                electrons = one.electrons.band @ one.leptonic.values(one.electrons.nodes)
                truth = float(one.fraction(share, protons, electrons))
                if scenario == "neutrino":
                    truth = share
                shares = {
                    method: coverage(
                        intervals(fraction, dts, 0.9, method),  # type: ignore[arg-type]
                        truth,
                    )
                    for method in ("published", "hpd", "profile")
                }
                text = "  ".join(f"{method} {100 * c:.1f} %" for method, c in shares.items())
                print(f"{mode} {name:8} f={share} {scenario:9} {text}", flush=True)


def compare_rules(count: int) -> None:
    """Print 90 % limits under each rule for the fits alone, as two tables in Markdown."""
    asimov, means = [], []
    for name in SOURCES + OTHERS:
        for share in (0, 1):
            for scenario, without, mean in rules.rows(problem(name), share, count):
                wanted: tuple[str, str] = ("", "")
                if name in SOURCES:
                    theirs = published(name, share)[scenario]
                    ends = intervals(*theirs, rules.LEVEL, "published").mean(axis=0)
                    averaged = averaged_limit(*theirs, hadronic=share == 1)
                    wanted = (f"{averaged:.3f}", f"{ends[0 if share else 1]:.3f}")
                for table, numbers, reference in (
                    (asimov, without, wanted[0]),
                    (means, mean, wanted[1]),
                ):
                    cells = [name, str(share), scenario, *(f"{n:.3f}" for n in numbers), reference]
                    table.append("| " + " | ".join(cells) + " |")
    head = ["source", "f", "data", *rules.RULES, "published"]
    for title, table in (
        ("Without fluctuations (published: averaged curve)", asimov),
        (f"Mean of {count} pseudo-experiments (published: of 100)", means),
    ):
        print(f"\n{title}\n\n| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
        print("\n".join(table), flush=True)


def main(words: list[str]) -> int:
    """Run what was asked for, or everything."""
    if not JOINT.is_dir() and "small" not in words:
        print("needs the published inputs: put them into shared/data/joint beside the checkout")
        return 1
    wrong: list[str] = []
    if not words or "golden" in words:
        wrong = golden()
    count = int(words[-1]) if words and words[-1].isdigit() else 1000
    if not words or "rules" in words:
        compare_rules(100 if not words else min(count, 100))
    if "small" in words:
        covered(count, "profile", (SMALL,))
    if not words or "coverage" in words:
        covered(count, "pinned")
        covered(max(1, count // SLOWER), "profile")
    for line in wrong:
        print(f"OFF: {line}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
