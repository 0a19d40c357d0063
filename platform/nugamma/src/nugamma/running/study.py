"""What a scan of many pseudo-experiments is, and one piece of its work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError, RunningError, SpectrumError
from nugamma.inference import pinned, profile
from nugamma.inference.problem import Problem
from nugamma.inference.pseudo import draw
from nugamma.inference.scans import POINTS, Scan
from nugamma.inference.threads import one_thread

Floats = npt.NDArray[np.float64]
Mode = Literal["pinned", "profile"]
MODES = {"pinned": pinned.scan, "profile": profile.scan}
#: Instead of the number of a pseudo-experiment: data without fluctuations.
ASIMOV = -1
#: Goes up when the same study comes out differently.
REVISION = 5


@dataclass(frozen=True)
class Study:
    """Pseudo-experiments of one source, and how they are scanned.

    Attributes
    ----------
    share
        Hadronic share with which the source is made: 0 leptonic, 1 hadronic.
    pseudo
        Number of pseudo-experiments; 0 scans the Asimov data instead.
    seed
        Of all of them.
    mode
        ``pinned`` (as published) or ``profile``.
    free_backgrounds
        Whether the norm of each dataset's background is fitted.
    points
        Hadronic shares of the scan.
    revision
        Of the analysis that the scan was planned with: workers with another one refuse it.
    """

    share: float
    pseudo: int = 100
    seed: int = 1
    mode: Mode = "pinned"
    free_backgrounds: bool = False
    points: tuple[float, ...] = tuple(POINTS.tolist())
    revision: int = REVISION

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise InferenceError(f"mode {self.mode!r}: use one of {', '.join(get_args(Mode))}")
        if self.pseudo < 0 or self.seed < 0:
            raise InferenceError("the number of pseudo-experiments and the seed must be >= 0")
        if not 0 <= self.share <= 1:
            raise InferenceError(f"hadronic share {self.share}: it must be within [0, 1]")
        if len(self.points) < 4 or list(self.points) != sorted(set(self.points)):
            raise InferenceError("a scan needs at least four ascending shares")

    @property
    def indices(self) -> range:
        """Numbers of the pseudo-experiments, or `ASIMOV`."""
        return range(self.pseudo) if self.pseudo else range(ASIMOV, ASIMOV + 1)

    def key(self, problem: Problem) -> str:
        """Checksum of the study and of all numbers that it works on."""
        digest = hashlib.sha256(json.dumps([REVISION, asdict(self)], sort_keys=True).encode())
        digest.update(checksum(problem).encode())
        return digest.hexdigest()


def checksum(problem: Problem) -> str:
    """Checksum of all numbers of a problem."""
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
    """Scan one pseudo-experiment.

    On one thread, so that sums come in the same order wherever the task runs.

    Returns
    -------
    dict
        Plain numbers: ``index``, ``fraction`` and ``dts`` (3 scenarios by points), ``converged``,
        and the ``prefit``.

    Raises
    ------
    RunningError
        If the study was planned with another revision of the analysis than is installed here.
    """
    if study.revision != REVISION:
        raise RunningError(
            f"a worker has revision {REVISION} of the analysis, this scan is of revision "
            f"{study.revision}: install the same version of nugamma on all workers"
        )
    if index == ASIMOV:
        gamma, neutrino = problem.expected(study.share)
    else:
        gamma, neutrino = draw(problem, study.share, study.seed, index)
    scan = MODES[study.mode](
        problem,
        gamma,
        neutrino,
        points=np.array(study.points),
        free_backgrounds=study.free_backgrounds,
    )
    return as_numbers(problem, index, scan)


def as_numbers(problem: Problem, index: int, scan: Scan) -> dict[str, Any]:
    """A scan as JSON holds it, without loss; a prefit that has no finite amplitude as null."""
    prefit = scan.prefit
    try:
        spectra: list[dict[str, float] | None] = [s.to_dict() for s in prefit.spectra(problem)]
    except SpectrumError:
        spectra = [None, None]
    return {
        "index": index,
        "fraction": scan.fraction.tolist(),
        "dts": scan.dts.tolist(),
        "converged": bool(scan.converged.all()),
        "prefit": {
            name: {**(spectrum or {"spectrum": None}), "statistic": float(statistic)}
            for name, spectrum, statistic in zip(
                ("hadronic", "leptonic"), spectra, prefit.statistic, strict=True
            )
        },
    }
