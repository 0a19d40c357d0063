"""Query published tables without a server.

Usage: python query.py FOLDER "SELECT * FROM messier.objects WHERE mag < 5"
"""

import sys

from astropy.table import Table

import adqlite

service = adqlite.TapService(sys.argv[1])
_, result = service.sync({"LANG": "ADQL", "QUERY": sys.argv[2]}, {})
with result:
    print(Table.read(result, format="votable"))
service.close()
