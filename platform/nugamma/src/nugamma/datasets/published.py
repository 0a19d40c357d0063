"""The instruments of the published analysis, CTA and KM3NeT/ARCA; make your own like these.

Energy bins, pointings and maps are the defaults of `PointedTelescope` and `FixedDetector`::

    import nugamma as ng

    north = ng.CTA.replace(name="cta-north", label="CTA North", response="north-40deg")
    datasets = ng.build_datasets(source, [north, ng.ARCA])
"""

from __future__ import annotations

from astropy import units as u

from nugamma import palette
from nugamma.datasets.fixed import FixedDetector
from nugamma.datasets.pointed import PointedTelescope

#: CTA's southern array: 200 h in four pointings (arXiv:2309.03007).
CTA = PointedTelescope(
    name="cta", label="CTA", messenger="gamma", colour=palette.CTA, livetime=200 * u.hour
)
#: KM3NeT/ARCA, two building blocks: 10 years (arXiv:2309.03007). Its datasets are nu1, nu2...
ARCA = FixedDetector(
    name="arca",
    label="ARCA",
    messenger="neutrino",
    colour=palette.KM3NET,
    livetime=10 * u.yr,
)
#: What datasets are made of where nothing else is asked for.
PUBLISHED = (CTA, ARCA)
