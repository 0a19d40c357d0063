"""What schemathesis does besides: names that exist, so that requests get behind the first 404."""

from __future__ import annotations

import random
from typing import Any

import schemathesis

RECORDS = ("ana20_01", "ana20_01_vo", "ana20_01_acc", "evts20_01_file1", "draft24_01")
KNOWN: dict[str, tuple[str, ...]] = {
    "identifier": RECORDS,
    "label": ("1.0",),
    "name": ("background.json", "one_week_orca.h5", "counts.ecsv"),
    "persistentId": ("doi:10.3847/2041-8213/aad8c0", *RECORDS),
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put a known name in the place of two of three generated ones."""
    # Which ones follows from the request itself: a failure that was found is found again.
    choose = random.Random(repr((case.path_parameters, case.query, case.method)))  # noqa: S311
    for parameters in (case.path_parameters, case.query):
        for key in sorted(set(parameters or {}) & set(KNOWN)):
            if choose.random() < 2 / 3:
                parameters[key] = choose.choice(KNOWN[key])
