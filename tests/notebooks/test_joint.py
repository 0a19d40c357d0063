"""Tutorials 07 and 08, the joint analysis: run without network, and with the published numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import execution

Executed = Callable[[str], execution.Run]

#: CPU seconds and MB of a tutorial.
CPU_SECONDS, PEAK_MB = 60, 2000

# arXiv:2309.03007. Fits: naima and gammapy 0.17. Limits and delta TS: a second implementation of
# the published scan without fluctuations. Intervals: the mean of the published 100
# pseudo-experiments, here of 20.
VELA_X = {
    "chi2/ndf, protons": (1.79797, 2e-3),
    "chi2/ndf, electrons": (1.78385, 2e-3),
    "gamma flux at 10 TeV, protons [1e-13]": (2.2904, 0.01),
    "gamma flux at 10 TeV, electrons [1e-13]": (2.2860, 0.01),
    "neutrino flux at 10 TeV [1e-14]": (6.3348, 0.05),
    "90 % limit, CTA, if electrons": (0.286, 0.03),
    "90 % limit, KM3NeT, if electrons": (0.314, 0.03),
    "90 % limit, both, if electrons": (0.206, 0.03),
    "90 % limit, CTA, if protons": (0.326, 0.03),
    "90 % limit, KM3NeT, if protons": (0.639, 0.03),
    "90 % limit, both, if protons": (0.675, 0.03),
    "delta TS of protons, if electrons": (54.6, 1.6),
    "delta TS of electrons, if protons": (33.3, 1.6),
    "68 % interval, if electrons, upper end": (0.152, 0.06),
    "68 % interval, if protons, lower end": (0.734, 0.12),
}

# ln(10); Feldman & Cousins, Phys. Rev. D 57 (1998) 3873, table IV; an hour angle of astropy's.
OWN_SOURCE = {
    "no event seen, none expected: limit": (2.302585, 1e-5),
    "Feldman-Cousins, 5 seen, 2 expected: upper end": (7.99, 0.01),
    "time below the horizon, formula": (0.6396, 1.5e-3),
    "neutrinos per gamma ray at 10 TeV": (0.28, 0.03),
}


@pytest.mark.parametrize("number", ["07", "08"])
def test_runs_without_network_within_a_small_server(number: str, executed: Executed) -> None:
    run = executed(number)
    assert run.numbers["tutorial"] == number
    assert run.cpu_seconds < CPU_SECONDS
    assert run.peak_mb < PEAK_MB


@pytest.mark.parametrize("name", VELA_X)
def test_vela_x_is_as_published(name: str, executed: Executed) -> None:
    expected, tolerance = VELA_X[name]
    assert executed("07").numbers["numbers"][name] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", OWN_SOURCE)
def test_an_own_source_gives_known_numbers(name: str, executed: Executed) -> None:
    expected, tolerance = OWN_SOURCE[name]
    assert executed("08").numbers["numbers"][name] == pytest.approx(expected, abs=tolerance)
