"""ROOT files that are neither offline nor DAQ files: every tree as a table, through uproot.

Examples are the data release of ORCA's oscillation analysis, orientations and acoustic events of
the calibration, and output of GiBUU and gSeaGen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ..messages import log
from ..metadata import Annotation
from . import root
from .columns import ColumnData
from .dataset import DataSet
from .tables import to_table

#: Bookkeeping of ROOT's objects.
_BOOKKEEPING = ("fUniqueID", "fBits")


def read(path: Path) -> DataSet:
    """Read the newest cycle of every tree.

    Returns
    -------
    DataSet
        A table for each tree, and a column for each branch of numbers, text, or arrays of numbers.
        Other branches are skipped with a warning.

    Raises
    ------
    FormatError
        If the file is damaged or has no tree.
    MissingPackage
        If uproot is not installed.
    """
    with root.opened(path) as file:
        kinds = file.classnames(cycle=False)
        names = [name for name, kind in kinds.items() if kind in ("TTree", "TNtuple")]
        tables = {name: to_table(_columns(path, file[name])) for name in names}
    if not tables:
        held = ", ".join(sorted(set(kinds.values()))[:5]) or "nothing"
        raise FormatError(
            path,
            f"has no trees and therefore no tables, only {held}: read it with uproot",
        )
    return DataSet(tables, Annotation())


def _columns(path: Path, tree: Any) -> dict[str, ColumnData]:
    root.check_size(path, tree)
    content: dict[str, ColumnData] = {}
    for branch in tree.itervalues(recursive=True):
        name = branch.name.split(".")[-1] if "." in branch.name else branch.name
        if branch.branches or name in _BOOKKEEPING:
            continue
        data = _column(branch)
        if data is None:
            log.warning(
                "%s: branch %s of %s is skipped: a table cannot hold its type %s.",
                *(path.name, branch.name, tree.name, branch.typename),
            )
            continue
        key = branch.name if branch.name not in content else f"{branch.parent.name}.{branch.name}"
        content[key] = data
    return content


def _column(branch: Any) -> ColumnData | None:
    import uproot

    known = (
        uproot.interpretation.numerical.AsDtype,
        uproot.interpretation.strings.AsStrings,
        uproot.interpretation.jagged.AsJagged,
    )
    if not isinstance(branch.interpretation, known):
        return None
    values = branch.array(library="np")
    if values.dtype.kind == "O" and not len(values):
        return ColumnData(np.empty(0, dtype=object))
    try:
        return ColumnData.make(values)
    except TypeError:
        return None
