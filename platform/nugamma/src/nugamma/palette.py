"""Colours of figures: one per experiment and model, the same in every figure.

They are Okabe and Ito's colours, which colour-blind readers can distinguish
(https://jfly.uni-koeln.de/color). `nugamma plot` and the notebooks use them.
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
#: Models: pion decay (protons) and inverse Compton (electrons); no colour of an experiment.
PROTONS, ELECTRONS = GREEN, ORANGE

#: Colour and name of each scenario of a scan (`nugamma.inference.scans.SCENARIOS`).
SCENARIO_COLOURS = {"gamma": CTA, "neutrino": KM3NET, "combined": BOTH}
SCENARIO_NAMES = {"gamma": "CTA", "neutrino": "KM3NeT", "combined": "CTA + KM3NeT"}

#: For curves that do not belong to one experiment or model, in this order.
SERIES = (BLUE, RED, GREEN, ORANGE, PINK)
