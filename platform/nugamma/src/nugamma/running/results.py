"""The JSON document of a scan; the README of `nugamma.cli` says what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nugamma.errors import RunningError
from nugamma.inference.pseudo import HYPOTHESES
from nugamma.inference.scans import SCENARIOS
from nugamma.inference.summary import summarise
from nugamma.running.study import Study

Floats = npt.NDArray[np.float64]
FORMAT = 1


def document(
    source: str,
    title: str,
    study: Study,
    entries: Sequence[dict[str, Any]],
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """The document of a finished scan.

    Parameters
    ----------
    source, title
        Name of the source, and its name in figures.
    study
        What was scanned.
    entries
        Of `nugamma.running.scanning.run_study`.
    provenance
        Of `nugamma.running.provenance`.
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
    made["provenance"] = provenance
    return made


@dataclass(frozen=True, eq=False)
class ScanDocument:
    """A scan as read from its file.

    Attributes
    ----------
    path
        The file.
    content
        The whole document.
    """

    path: Path
    content: dict[str, Any]

    @property
    def label(self) -> str:
        """Source and input, for people."""
        return f"{self.content['title']}, {self.content['input']} input"

    @property
    def share(self) -> float:
        """Hadronic share with which the source was made."""
        given = self.content["input"]
        return float(HYPOTHESES.get(given, given))

    def curves(self, scenario: str) -> tuple[Floats, Floats]:
        """Fitted fractions and delta TS of all pseudo-experiments, shape (pseudo, points)."""
        number = SCENARIOS.index(scenario)
        entries = self.content["pseudo_experiments"]
        return (
            np.array([entry["fraction"][number] for entry in entries]),
            np.array([entry["dts"][number] for entry in entries]),
        )


def read(path: Path) -> ScanDocument:
    """Read the document of a scan.

    Raises
    ------
    RunningError
        If the file is missing or holds something else.
    """
    content = read_json(path)
    if content.get("kind") != "scan" or content.get("format") != FORMAT:
        raise RunningError(f"{path} is not a result of `nugamma scan` (format {FORMAT})")
    return ScanDocument(path, content)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunningError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunningError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RunningError(f"{path} is not a result of nugamma")
    return content
