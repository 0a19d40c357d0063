"""Several sources as one."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.utils.masked import Masked

from nugamma.errors import CountingError, ResponseError
from nugamma.neutrino import counting
from nugamma.neutrino.sensitivity import sensitivity
from nugamma.neutrino.stacking import Stack, flux_weights, stack
from nugamma.responses.pointsource import PointResponse, power_law

FLUX = power_law(2.0, 1e-12 * u.Unit("TeV-1 cm-2 s-1"))
CONE = 1 * u.deg


def place(acceptance: float, background: float) -> PointResponse:
    return PointResponse(
        name="a telescope",
        declination=0 * u.deg,
        livetime=1 * u.day,
        energy_true=np.array([1.0, 10.0]) * u.TeV,
        energy_reco=np.array([1.0, 10.0]) * u.TeV,
        radius=np.array([1.0]) * u.deg,
        signal=np.array([[[acceptance / 0.9e-12]]]),
        background=np.array([[background]]),
    )


def test_a_stack_of_one_is_the_source() -> None:
    alone = sensitivity(place(5.0, 2.0), FLUX)
    stacked = stack([place(5.0, 2.0)], FLUX, radius=CONE)
    assert stacked.sensitivity() == pytest.approx(alone.sensitivity)
    assert stacked.discovery(5) == pytest.approx(alone.discovery_5sigma)
    assert stacked.upper_limit([3]) == pytest.approx(
        float(counting.cls_upper_limit(3, 2.0)) / 5, rel=1e-4
    )


def test_equal_sources_share_the_flux() -> None:
    stacked = stack([place(4.0, 0.5)] * 4, FLUX, radius=CONE)
    assert stacked.weights == pytest.approx([0.25] * 4)
    assert stacked.signal == pytest.approx([1.0] * 4)
    assert stacked.sensitivity() == pytest.approx(counting.mean_upper_limit(2.0) / 4)


def test_flux_and_acceptance_make_the_events() -> None:
    stacked = stack([place(10.0, 1.0), place(1.0, 1.0)], FLUX, [1.0, 3.0], radius=CONE)
    assert stacked.weights == pytest.approx([0.25, 0.75])
    assert stacked.acceptance_weights == pytest.approx([2.5 / 3.25, 0.75 / 3.25])


def test_limit_of_a_clean_source_is_not_spoilt_by_a_dirty_one() -> None:
    clean, dirty = place(4.0, 0.1), place(4.0, 300.0)
    both = stack([clean, dirty], FLUX, radius=CONE)
    alone = Stack(("clean",), np.array([1.0]), both.signal[:1], both.background[:1])
    assert both.upper_limit([0, 300]) <= alone.upper_limit([0])
    summed = counting.cls_upper_limit(300, 300.1) / both.signal.sum()
    assert both.upper_limit([0, 300]) < summed / 3


def test_a_cone_that_a_response_does_not_have_is_refused() -> None:
    """The nearest one was taken, however far away it was."""
    with pytest.raises(ResponseError, match=f"no cone of .*only of {CONE.value:g} deg"):
        stack([place(1.0, 1.0)], FLUX, radius=3 * CONE)
    with pytest.raises(ResponseError, match="no cone of"):
        sensitivity(place(1.0, 1.0), FLUX, radius=CONE / 2)


def test_p_value_is_that_of_the_sum() -> None:
    stacked = stack([place(1.0, 1.0), place(1.0, 2.0)], FLUX, radius=CONE)
    assert stacked.p_value([4, 4]) == pytest.approx(float(counting.poisson_p_value(8, 3.0)))


def test_limits_cover() -> None:
    stacked = stack([place(8.0, 0.5), place(4.0, 3.0)], FLUX, radius=CONE)
    strength = 0.8
    drawn = np.random.default_rng(3).poisson(
        strength * stacked.signal + stacked.background, (400, 2)
    )
    covered = np.mean([stacked.upper_limit(counts) >= strength for counts in drawn])
    assert covered > 0.87


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: stack([], FLUX, radius=CONE), "no sources"),
        (lambda: stack([place(1, 1)], FLUX, [1, 2], radius=CONE), "2 weights for 1"),
        (lambda: stack([place(1, 1)], FLUX, radius=CONE, names=["a", "b"]), "2 names for 1"),
        (lambda: stack([place(0, 1)], FLUX, radius=CONE), "expects no event"),
        (lambda: stack([place(1, 1)], FLUX, radius=CONE).p_value([1, 2]), "2 counts for 1"),
        (lambda: flux_weights([0.0, 0.0]), "all fluxes"),
        (lambda: flux_weights([1.0, -1.0]), "none negative"),
        (lambda: flux_weights([1.0, np.nan]), "none negative"),
        (lambda: flux_weights(np.ma.array([1.0, 5.0], mask=[False, True])), "are masked"),
        (lambda: flux_weights(Masked([1.0, 5.0], mask=[False, True]) * u.TeV), "are masked"),
        (lambda: flux_weights([1 * u.TeV, 1 * u.cm]), "in the same unit"),
        (
            lambda: stack([place(1, 1)], FLUX, radius=CONE).upper_limit(
                np.ma.array([3], mask=[True])
            ),
            "some values are masked",
        ),
    ],
)
def test_impossible_stacks_are_refused(call: object, complaint: str) -> None:
    with pytest.raises(CountingError, match=complaint):
        call()  # type: ignore[operator]
