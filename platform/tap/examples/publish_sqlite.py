"""Publish an SQLite file: what SQLite cannot say of its columns is said here.

Usage: python publish_sqlite.py FOLDER
"""

import sqlite3
import sys
from pathlib import Path

import adqlite

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
source = folder / "messier.db"
with sqlite3.connect(source) as database:
    database.execute("CREATE TABLE IF NOT EXISTS objects (m INTEGER, ra REAL, dec REAL, mag REAL)")
    database.execute("DELETE FROM objects")
    database.executemany(
        "INSERT INTO objects VALUES (?, ?, ?, ?)",
        [(1, 83.633, 22.014, 8.4), (31, 10.685, 41.269, 3.4), (45, 56.601, 24.114, 1.6)],
    )

about = {
    "objects": {
        "m": {"description": "Number in Messier's catalogue", "ucd": "meta.id;meta.main"},
        "mag": {"description": "Visual magnitude", "unit": "mag", "ucd": "phot.mag;em.opt.V"},
    }
}
schema = adqlite.publish_sqlite(folder, source, position=("ra", "dec"), about=about)
for table in schema.tables:
    print(f"{schema.name}.{table.name}: {table.rows} rows")
