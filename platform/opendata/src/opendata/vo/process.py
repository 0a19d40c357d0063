"""The process that reads a file and serves its table; started by :mod:`opendata.vo.records`.

What describes a file in a process of its own has its reasons here as well: strangers' files crash C
libraries, and what reading takes in memory is given back. Exit codes: 0 served, 2 it cannot be (the
reason on standard output).
"""

from __future__ import annotations

import sys
from pathlib import Path


def serve(path: Path, folder: Path, full_name: str, title: str) -> int:
    """Serve the main table of a file; return the number of its rows.

    Raises
    ------
    ValueError
        The file has no table that can be served.
    OpenKM3Error
        It cannot be read.
    """
    from adqlite.tables.storage import TableStore
    from opendata.describing.tap_table import described
    from openkm3.formats import read

    schema, rows = described(read(path), full_name, title)
    published = TableStore(folder).publish(schema, {schema.tables[0].name: rows})
    return published.tables[0].rows


def main() -> int:
    """Serve the file of the command line."""
    from openkm3.errors import OpenKM3Error

    path, folder, full_name, title = sys.argv[1:5]
    try:
        rows = serve(Path(path), Path(folder), full_name, title)
    except (OpenKM3Error, ValueError) as error:
        sys.stdout.write(str(error))
        return 2
    sys.stdout.write(f"{rows}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
