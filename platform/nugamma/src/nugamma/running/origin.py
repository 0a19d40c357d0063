"""What a scan was made from: source, responses, options and code; and the differences of two scans.

It is stored in the result and in the journal of a running scan, so that neither is used or
continued
with anything else, and differences can be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nugamma.inference.problem import Problem
from nugamma.running.contents import source_content, source_differences
from nugamma.running.study import REVISION, Study
from nugamma.sources import Source

#: Largest difference of expected counts between machines, relative to the largest of a dataset.
ROUNDING = 1e-5
#: Inputs of datasets that are not compared here: those of the source are compared before, and other
#: versions of libraries matter only if they change the expected counts, which are compared.
NOT_COMPARED = frozenset({"name", "instrument", "position", "morphology", "radius", "versions"})
ANALYSIS = "revision of the analysis"


def scan_origin(
    source: Source,
    problem: Problem,
    study: Study,
    *,
    datasets: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns all that a scan is made from, ready for JSON.

    Parameters
    ----------
    source
        The source with its flux points.
    problem
        Problem of the source.
    study
        The pseudo-experiments.
    datasets
        From `nugamma.datasets.inputs`, with the checksums of the responses.
    options
        Options of the command line, from which the same datasets can be made again.
    """
    return {
        "source": source_content(source),
        "datasets": {name: dict(part) for name, part in datasets.items()},
        "options": {
            name: str(value.absolute()) if isinstance(value, Path) else value
            for name, value in options.items()
        },
        "study": _plain(study),
        "revision": REVISION,
        "expected": expected_counts(problem),
    }


def _plain(study: Study) -> dict[str, Any]:
    """Returns a study for JSON, without its revision, which is stored separately."""
    plain = asdict(study) | {"points": list(study.points)}
    del plain["revision"]
    return plain


def expected_counts(problem: Problem) -> dict[str, dict[str, list[float]]]:
    """Returns the counts per reconstructed energy and dataset: background and either model."""
    (leptonic, nothing), (hadronic, neutrinos) = problem.expected(0.0), problem.expected(1.0)
    found: dict[str, dict[str, list[float]]] = {}
    for response, models in (
        (problem.gamma, {"hadronic": hadronic, "leptonic": leptonic}),
        (problem.neutrino, {"hadronic": neutrinos, "leptonic": nothing}),
    ):
        for number, name in enumerate(response.names):
            rows = response.dataset == number
            found[name] = {
                what: np.bincount(response.energy_bin[rows], counts[rows]).tolist()
                for what, counts in {"background": response.background, **models}.items()
            }
    return found


def scan_differences(
    before: Mapping[str, Any], now: Mapping[str, Any], *, study: bool = True
) -> list[str]:
    """Returns the differences between two scans in words; empty if there are none.

    Parameters
    ----------
    before, now
        From `scan_origin`.
    study
        Whether the studies are also compared.
    """
    found = source_differences(before["source"], now["source"])
    for name in dict.fromkeys([*before["datasets"], *now["datasets"]]):
        parts = [side["datasets"].get(name, {}) for side in (before, now)]
        found += [
            f"{key.replace('_', ' ')} of {name.upper()}{_values(key, *parts)}"
            for key in dict.fromkeys([*parts[0], *parts[1]])
            if key not in NOT_COMPARED and parts[0].get(key) != parts[1].get(key)
        ]
    if study:
        parts = [side["study"] for side in (before, now)]
        found += [
            f"{key.replace('_', ' ')}{_values(key, *parts)}"
            for key in dict.fromkeys([*parts[0], *parts[1]])
            if parts[0].get(key) != parts[1].get(key)
        ]
    if before["revision"] != now["revision"]:
        found.append(f"{ANALYSIS} ({before['revision']} and {now['revision']})")
    # The resulting counts are named only if no other difference explains them.
    return found or _different_counts(before["expected"], now["expected"])


def _values(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    values = [one.get(key), other.get(key)]
    if not all(isinstance(value, str | int | float) for value in values):
        return ""
    short = [value[:12] if key == "response" else value for value in map(str, values)]
    unit = " s" if key == "time_step" else ""
    return f" ({short[0]}{unit} and {short[1]}{unit})"


def _different_counts(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if list(before) != list(now):
        return [f"datasets ({', '.join(before)} and {', '.join(now)})"]
    found = []
    for name in before:
        for what in before[name]:
            one, other = (np.asarray(side[name].get(what, []), float) for side in (before, now))
            if one.shape != other.shape:
                found.append(f"energies of {name}")
                break
            largest = np.abs(one).max(initial=0.0)
            apart = np.abs(one - other).max(initial=0.0)
            if not apart <= ROUNDING * largest:
                part = 100 * apart / largest if largest else np.inf
                found.append(f"expected counts of {name}, {what} (by up to {part:.2g} %)")
    return found
