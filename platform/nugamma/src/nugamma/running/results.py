"""The JSON document of a scan, which the README of `nugamma.cli` documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nugamma.errors import RunningError
from nugamma.inference.pseudo import HYPOTHESES
from nugamma.inference.scans import SCENARIOS
from nugamma.inference.summary import summarise
from nugamma.running.study import ASIMOV, REVISION, Study

Floats = npt.NDArray[np.float64]
#: Format of results; those of format 1 do not contain what they were made from.
FORMAT = 2


def document(  # noqa: PLR0917
    source: str,
    title: str,
    study: Study,
    entries: Sequence[dict[str, Any]],
    origin: Mapping[str, Any],
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """Returns the document of a finished scan.

    Parameters
    ----------
    source, title
        Name of the source, and its name in figures.
    study
        The pseudo-experiments.
    entries
        From `nugamma.running.scanning.run_study`.
    origin
        From `nugamma.running.origin.scan_origin`.
    provenance
        From `nugamma.running.provenance`.
    """
    names = {share: name for name, share in HYPOTHESES.items()}
    made: dict[str, Any] = {
        "format": FORMAT,
        "kind": "scan",
        "source": source,
        "title": title,
        "input": names.get(study.share, study.share),
        "mode": study.mode,
        "pseudo": study.pseudo,
        "asimov": study.pseudo == 0,
        "seed": study.seed,
        "free_backgrounds": study.free_backgrounds,
        "not_converged": [entry["index"] for entry in entries if not entry["converged"]],
    }
    for number, scenario in enumerate(SCENARIOS):
        fraction = np.array([entry["fraction"][number] for entry in entries])
        dts = np.array([entry["dts"][number] for entry in entries])
        summary = summarise(fraction, dts, hadronic=study.share > 0.5)
        made[scenario] = {
            "f": list(study.points),
            "dts_mean": summary.dts_mean.tolist(),
            "dts_median": summary.dts_median.tolist(),
            "mode_mean": summary.mode_mean,
            "ci68": list(summary.ci68),
            "ci90": list(summary.ci90),
            "quantile68": summary.quantile68,
            "quantile90": summary.quantile90,
        }
    made["pseudo_experiments"] = list(entries)
    made["made_from"] = origin
    made["provenance"] = provenance
    return made


#: Keys of each scenario.
SUMMARY = frozenset(
    {"f", "dts_mean", "dts_median", "mode_mean", "ci68", "ci90", "quantile68", "quantile90"}
)
#: Keys that describe a scan.
HEAD = frozenset(
    {"source", "title", "input", "mode", "pseudo", "asimov", "seed", "free_backgrounds"}
)
#: Keys of what a scan was made from.
ORIGIN = frozenset({"source", "datasets", "options", "study", "revision", "expected"})


@dataclass(frozen=True, eq=False)
class ScanDocument:
    """A scan, read from its file.

    Attributes
    ----------
    path
        Path of the file.
    content
        The whole document.
    """

    path: Path
    content: dict[str, Any]

    @property
    def label(self) -> str:
        """Source and input, for output."""
        return f"{self.content['title']}, {self.content['input']} input"

    @property
    def origin(self) -> dict[str, Any]:
        """What the scan was made from, see `nugamma.running.origin.scan_origin`."""
        return dict(self.content["made_from"])

    @property
    def share(self) -> float:
        """Hadronic share of the simulated source."""
        given = self.content["input"]
        return float(HYPOTHESES.get(given, given))

    def curves(self, scenario: str) -> tuple[Floats, Floats]:
        """Returns fitted fractions and delta TS of all pseudo-experiments, (pseudo, points)."""
        number = SCENARIOS.index(scenario)
        entries = self.content["pseudo_experiments"]
        return (
            np.array([entry["fraction"][number] for entry in entries]),
            np.array([entry["dts"][number] for entry in entries]),
        )


def read(path: Path) -> ScanDocument:
    """Reads the document of a scan.

    Raises
    ------
    RunningError
        If the file is missing, is not a scan, or is incomplete or inconsistent.
    """
    return scan_document(path, read_json(path))


def scan_document(path: Path, content: dict[str, Any]) -> ScanDocument:
    """Returns the document of a scan from the content of its file; errors as for `read`."""
    if content.get("kind") != "scan":
        raise RunningError(f"{path} is not a result of `nugamma scan`")
    check_format(path, content, "scan")
    made = ScanDocument(path, content)
    try:
        if missing := sorted(HEAD - content.keys()):
            raise ValueError(f"{', '.join(missing)} missing")
        points = content[SCENARIOS[0]]["f"]
        for scenario in SCENARIOS:
            if not content[scenario].keys() >= SUMMARY:
                raise ValueError(f"the summary of {scenario} is missing")
            for curves in made.curves(scenario):
                if curves.shape[1:] != (len(points),) or not np.isfinite(curves).all():
                    raise ValueError(f"curves of {scenario} do not have {len(points)} numbers each")
        if not made.origin.keys() >= ORIGIN or not 0 <= made.share <= 1:
            raise ValueError("parts are missing")
        _check_consistent(made)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise RunningError(f"{path} is damaged ({error}); run `nugamma scan` again") from error
    return made


def _check_consistent(made: ScanDocument) -> None:
    """Compares the keys of a scan with what it was made from and with its own curves.

    Raises
    ------
    ValueError
        If they disagree; the message names the key.
    """
    content, study = made.content, made.origin["study"]
    for name in ("source", "title"):
        if not isinstance(content[name], str):
            raise ValueError(f"its {name} is not text")
    for name in ("source", "datasets", "options"):
        if not isinstance(made.origin[name], dict):
            raise ValueError(f"made_from has no {name}")
    described = {"share": made.share} | {
        name: content[name] for name in ("pseudo", "seed", "mode", "free_backgrounds")
    }
    for name, value in described.items():
        if value != study[name]:
            raise ValueError(f"its {name} is {value}, but it was made with {study[name]}")
    numbers = [entry["index"] for entry in content["pseudo_experiments"]]
    if numbers != list(range(study["pseudo"]) if study["pseudo"] else [ASIMOV]):
        raise ValueError(f"it contains {len(numbers)} of {study['pseudo']} pseudo-experiments")
    for scenario in SCENARIOS:
        part = content[scenario]
        if list(part["f"]) != list(study["points"]):
            raise ValueError(f"the fractions of {scenario} are not the scanned ones")
        if made.origin["revision"] != REVISION:
            continue
        again = summarise(*made.curves(scenario), hadronic=made.share > 0.5)
        for name in sorted(SUMMARY - {"f"}):
            one, other = (np.asarray(n, dtype=float) for n in (part[name], getattr(again, name)))
            if one.shape != other.shape or not np.allclose(one, other, rtol=1e-4, atol=1e-4):
                raise ValueError(f"{name} of {scenario} disagrees with its curves")


def check_format(path: Path, content: Mapping[str, Any], command: str) -> None:
    """Refuses results of an older or newer format.

    Raises
    ------
    RunningError
        If the format is not `FORMAT`.
    """
    found = content.get("format")
    if found != FORMAT:
        age = "an older" if found == 1 else "another"
        raise RunningError(
            f"{path} was written by {age} version of nugamma (format {found}, this one reads "
            f"{FORMAT}); run `nugamma {command}` again"
        )


def check_alike(documents: Sequence[ScanDocument]) -> None:
    """Refuses to compare scans from different revisions of the analysis.

    Raises
    ------
    RunningError
        If there is more than one revision.
    """
    first = documents[0]
    for other in documents[1:]:
        one, two = (document.origin["revision"] for document in (first, other))
        if one != two:
            raise RunningError(
                f"{first.path} is from revision {one} of the analysis and {other.path} from "
                f"revision {two}, so they cannot be compared; run `nugamma scan` again"
            )


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object from a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunningError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunningError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RunningError(f"{path} is not a result of nugamma")
    return content
