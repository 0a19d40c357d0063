"""What a scan was made from: source, responses, options, code; and what differs from it.

It is kept in the result and in the journal of a scan that runs, so that neither is continued or
used with anything else, and in a form that says in words what is different.
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

#: Expected counts on two machines differ by less than this part of the largest of a dataset.
ROUNDING = 1e-5
#: Inputs of datasets that are said in other words, or belong to the source; other versions of
#: libraries matter only where numbers come out differently, and these are compared.
ELSEWHERE = frozenset({"name", "instrument", "position", "morphology", "radius", "versions"})
NAMES = {"cta": "CTA", "arca": "ARCA"}
ANALYSIS = "revision of the analysis"


def scan_origin(
    source: Source,
    problem: Problem,
    study: Study,
    *,
    datasets: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """All that a scan is made from, as JSON holds it.

    Parameters
    ----------
    source
        With its flux points.
    problem
        Of the source.
    study
        What is scanned.
    datasets
        Of `nugamma.datasets.inputs`: with the checksums of the responses.
    options
        Of the command line, from which the same datasets can be made again.
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
    """A study as JSON holds it; its revision is said apart."""
    plain = asdict(study) | {"points": list(study.points)}
    del plain["revision"]
    return plain


def expected_counts(problem: Problem) -> dict[str, dict[str, list[float]]]:
    """Counts of each reconstructed energy by dataset: background and both models alone."""
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
    """What two scans were made from differently, in words; empty where nothing is different.

    Parameters
    ----------
    before, now
        Of `scan_origin`.
    study
        Whether the options of the scans themselves are compared too.
    """
    found = source_differences(before["source"], now["source"])
    for name in dict.fromkeys([*before["datasets"], *now["datasets"]]):
        parts = [side["datasets"].get(name, {}) for side in (before, now)]
        found += [
            f"{key.replace('_', ' ')} of {NAMES.get(name, name)}{_values(key, *parts)}"
            for key in dict.fromkeys([*parts[0], *parts[1]])
            if key not in ELSEWHERE and parts[0].get(key) != parts[1].get(key)
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
    # what all of this comes to; it is said only if there is no other word for the reason
    return found or _other_counts(before["expected"], now["expected"])


def _values(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    values = [one.get(key), other.get(key)]
    if not all(isinstance(value, str | int | float) for value in values):
        return ""
    short = [value[:12] if key == "response" else value for value in map(str, values)]
    unit = " s" if key == "time_step" else ""
    return f" ({short[0]}{unit} and {short[1]}{unit})"


def _other_counts(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
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
