"""Scan one observation in either mode: with the shapes of the models pinned or free."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError
from nugamma.inference import pinned, profile
from nugamma.inference.problem import Problem
from nugamma.inference.scans import POINTS, Scan

Floats = npt.NDArray[np.float64]
Mode = Literal["pinned", "profile"]
MODES = {"pinned": pinned.scan, "profile": profile.scan}


def check_mode(mode: str) -> None:
    """Refuses a mode that does not exist."""
    if mode not in get_args(Mode):
        raise InferenceError(f"mode {mode!r} does not exist: use {' or '.join(get_args(Mode))}")


def scan(
    problem: Problem,
    gamma: Floats,
    neutrino: Floats,
    *,
    mode: Mode = "pinned",
    points: Floats = POINTS,
    free_backgrounds: bool = False,
) -> Scan:
    """Returns delta TS of one observation against the hadronic fraction.

    Parameters
    ----------
    problem
        The source.
    gamma, neutrino
        Observed counts, shapes (n_groups,): `Problem.expected` returns those of an average
        experiment (Asimov data), `nugamma.draw` those of a pseudo-experiment.
    mode
        ``pinned``: the shapes of both models stay at their fits alone, as published. ``profile``:
        the shapes are free, which is statistically right and constrains less.
    points
        Hadronic fractions to scan, ascending.
    free_backgrounds
        Whether to fit the norm of each dataset's background.

    Raises
    ------
    InferenceError
        If the mode does not exist, or the counts do not belong to the problem.
    """
    check_mode(mode)
    for name, counts, response in (
        ("gamma", gamma, problem.gamma),
        ("neutrino", neutrino, problem.neutrino),
    ):
        if np.shape(counts) != (response.n_groups,):
            raise InferenceError(
                f"source {problem.source}: {name} counts have the shape {np.shape(counts)}, the "
                f"problem has {response.n_groups} groups; use Problem.expected or nugamma.draw"
            )
    return MODES[mode](problem, gamma, neutrino, points=points, free_backgrounds=free_backgrounds)
