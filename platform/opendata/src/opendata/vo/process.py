"""Serving the table of a file; a stranger's file is read in the sandbox."""

from __future__ import annotations

from pathlib import Path

from opendata.sandbox import Rejected


def serve(path: Path, folder: Path, full_name: str, title: str) -> int:
    """Serves the main table of a file.

    Parameters
    ----------
    path : pathlib.Path
    folder : pathlib.Path
        Where the tables of the VO services are.
    full_name : str
        SCHEMA.TABLE.
    title : str

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    ValueError
        The file has no table that can be served.
    OpenKM3Error
        The file cannot be read.
    """
    from adqlite.tables.storage import TableStore
    from opendata.describing.tap_table import described
    from opendata.vo.antares import LABELS
    from openkm3.formats import read

    schema, rows = described(read(path), full_name, title, labels=LABELS.get(full_name, {}))
    published = TableStore(folder).publish(schema, {schema.tables[0].name: rows})
    return published.tables[0].rows


def serve_in_sandbox(path: str, folder: str, full_name: str, title: str) -> int:
    """Serves the main table of a file within :func:`opendata.sandbox.run`; see :func:`serve`."""
    from openkm3.errors import OpenKM3Error

    try:
        return serve(Path(path), Path(folder), full_name, title)
    except (OpenKM3Error, ValueError) as error:
        raise Rejected(str(error)) from None
