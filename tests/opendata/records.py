"""Records for tests."""

from __future__ import annotations

from typing import Any

from opendata import describing
from opendata.accounts.models import User
from opendata.records import publishing
from opendata.records.models import Version
from opendata.records.publishing import Draft, NewRecord
from opendata.vo.process import serve

HEADER = {
    "name": "Counts",
    "description": "Counts in bins",
    "contact": "opendata@km3net.de",
    "instrument": "ORCA6",
    "license": "CC-BY-4.0",
    "reference": "https://www.km3net.org/",
    "version": "1.0",
    "created": "2024-01-01",
}
ECSV = b"""# %ECSV 1.0
# ---
# datatype:
# - {name: energy, unit: GeV, datatype: float64}
# - {name: ra, unit: deg, datatype: float64}
# - {name: dec, unit: deg, datatype: float64}
# schema: astropy-2.0
energy ra dec
1.5 10.0 20.0
2.5 200.0 -70.0
9.0 355.5 89.0
"""


def draft(**more: Any) -> dict[str, Any]:
    """Return what a version says."""
    return {
        "title": "Counts of ORCA6",
        "description": "Counts in bins",
        "ktype": "km3.data.l4",
        "metadata": {"ktype": "km3.data.l4", "header": HEADER},
    } | more


def drafted(curator: User, identifier: str = "cnt24_01", **more: Any) -> Version:
    """Return a draft with a file."""
    version = publishing.create(NewRecord(identifier=identifier), Draft(**draft(**more)), curator)
    publishing.add_file(version, "counts.ecsv", [ECSV], curator, describe=describing.describe)
    return version


def published(curator: User, reviewer: User, identifier: str = "cnt24_01", **more: Any) -> Version:
    """Return a published version."""
    version = drafted(curator, identifier, **more)
    publishing.submit(version, curator)
    return publishing.approve(version, reviewer, serve=serve)
