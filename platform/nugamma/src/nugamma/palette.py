"""Colours of figures: one per experiment and one per model, the same in every figure.

Okabe and Ito's colours, which remain distinct for colour-blind readers
(https://jfly.uni-koeln.de/color). `nugamma plot` and the notebooks both import these.
"""

from __future__ import annotations

BLUE, ORANGE, GREEN, RED, PINK, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
BLACK, GREY, PALE = "#000000", "#5B6670", "#E3E8EC"

#: Experiments.
CTA, KM3NET, BOTH = BLUE, RED, BLACK
#: Models: pion decay of protons (gamma rays and neutrinos) and inverse Compton of electrons.
#: None is the colour of an experiment.
PROTONS, ELECTRONS = GREEN, ORANGE

#: Colour and name of each scenario of a scan (`nugamma.inference.scans.SCENARIOS`).
SCENARIO_COLOURS = {"gamma": CTA, "neutrino": KM3NET, "combined": BOTH}
SCENARIO_NAMES = {"gamma": "CTA", "neutrino": "KM3NeT", "combined": "CTA + KM3NeT"}

#: For curves that belong to no single experiment or model, in this order.
SERIES = (BLUE, RED, GREEN, ORANGE, PINK)
