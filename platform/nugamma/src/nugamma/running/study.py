"""A study of many pseudo-experiments, and the scan of one of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError, RunningError, SpectrumError
from nugamma.inference.modes import Mode, check_mode, scan
from nugamma.inference.problem import Problem
from nugamma.inference.pseudo import draw
from nugamma.inference.scans import POINTS, Scan
from nugamma.inference.threads import one_thread

Floats = npt.NDArray[np.float64]
#: Takes the place of a pseudo-experiment's number: data without fluctuations.
ASIMOV = -1
#: Increases when the same study gives different results.
REVISION = 5


@dataclass(frozen=True)
class Study:
    """Pseudo-experiments of one source, and how they are scanned.

    Attributes
    ----------
    share
        Hadronic share of the simulated source: 0 leptonic, 1 hadronic.
    pseudo
        Number of pseudo-experiments; 0 scans the Asimov data instead.
    seed
        Seed of all pseudo-experiments.
    mode
        ``pinned`` (as published) or ``profile``.
    free_backgrounds
        Whether the norm of each dataset's background is fitted.
    points
        Hadronic shares of the scan.
    revision
        Revision of the analysis; workers with another one refuse the study.
    """

    share: float
    pseudo: int = 100
    seed: int = 1
    mode: Mode = "pinned"
    free_backgrounds: bool = False
    points: tuple[float, ...] = tuple(POINTS.tolist())
    revision: int = REVISION

    def __post_init__(self) -> None:
        check_mode(self.mode)
        if self.pseudo < 0 or self.seed < 0:
            raise InferenceError(
                "the number of pseudo-experiments and the seed must not be negative"
            )
        if not 0 <= self.share <= 1:
            raise InferenceError(f"the hadronic share must be within [0, 1], not {self.share}")
        if len(self.points) < 4 or list(self.points) != sorted(set(self.points)):
            raise InferenceError("a scan needs at least four points, in ascending order")

    @property
    def indices(self) -> range:
        """Numbers of the pseudo-experiments, or `ASIMOV`."""
        return range(self.pseudo) if self.pseudo else range(ASIMOV, ASIMOV + 1)

    def key(self, problem: Problem) -> str:
        """Returns the checksum of the study and of all numbers of the problem."""
        digest = hashlib.sha256(json.dumps([REVISION, asdict(self)], sort_keys=True).encode())
        digest.update(checksum(problem).encode())
        return digest.hexdigest()


def checksum(problem: Problem) -> str:
    """Returns the checksum of all numbers of a problem."""
    digest = hashlib.sha256(problem.source.encode())
    for response in (problem.gamma, problem.neutrino):
        for array in (response.signal, response.background, response.dataset):
            digest.update(np.ascontiguousarray(array).tobytes())
    for emission in (problem.protons, problem.electrons):
        digest.update(np.ascontiguousarray(emission.matrix).tobytes())
        digest.update(np.ascontiguousarray(emission.band).tobytes())
    digest.update(repr((problem.hadronic, problem.leptonic)).encode())
    return digest.hexdigest()


@one_thread
def scan_one(problem: Problem, study: Study, index: int) -> dict[str, Any]:
    """Scans one pseudo-experiment, on one thread so that the order of sums is always the same.

    Returns
    -------
    dict
        Plain numbers: ``index``, ``fraction`` and ``dts`` (3 scenarios by points), ``converged``,
        and the ``prefit``.

    Raises
    ------
    RunningError
        If the study is for another revision of the analysis than the installed one.
    """
    if study.revision != REVISION:
        raise RunningError(
            f"a worker has revision {REVISION} of the analysis, but this scan needs revision "
            f"{study.revision}; install the same version of nugamma on all workers"
        )
    if index == ASIMOV:
        gamma, neutrino = problem.expected(study.share)
    else:
        gamma, neutrino = draw(problem, study.share, study.seed, index)
    found = scan(
        problem,
        gamma,
        neutrino,
        mode=study.mode,
        points=np.array(study.points),
        free_backgrounds=study.free_backgrounds,
    )
    return as_numbers(problem, index, found)


def as_numbers(problem: Problem, index: int, found: Scan) -> dict[str, Any]:
    """Returns a scan for JSON, without loss; a prefit without a finite amplitude is null."""
    prefit = found.prefit
    try:
        spectra: list[dict[str, float] | None] = [s.to_dict() for s in prefit.spectra(problem)]
    except SpectrumError:
        spectra = [None, None]
    return {
        "index": index,
        "fraction": found.fraction.tolist(),
        "dts": found.dts.tolist(),
        "converged": bool(found.converged.all()),
        "prefit": {
            name: {**(spectrum or {"spectrum": None}), "statistic": float(statistic)}
            for name, spectrum, statistic in zip(
                ("hadronic", "leptonic"), spectra, prefit.statistic, strict=True
            )
        },
    }
