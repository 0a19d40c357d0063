"""The numbers that KM3NeT's own services gave, by openkm3, by pyvo and by curl.

They are the outputs in published notebooks (ESCAPE school 2021) and the first line of KM3NeT's file
of events. Every number comes from a real server that holds the public ANTARES files.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astropy.io.votable import parse_single_table

from openkm3.store import KM3Store

from .running import Server

BRIGHT = "SELECT * FROM ant20_01.main WHERE nhit>150"
COLUMNS = ["mjd", "beta", "nhit", "ra", "decl", "id"]
FIRST = (54138.3105, 1.0, 21, 68.2, 19.5)
#: Events with more than 150 hits: id to mjd, beta, nhit, ra, decl.
EVENTS = {
    "ANT1157": (54789.2282, 0.1, 263, 315.0, -16.7),
    "ANT4737": (55970.095, 0.3, 160, 18.6, -43.3),
    "ANT6138": (56660.329, 0.9, 200, 10.8, -1.5),
    "ANT5198": (56221.4919, 0.3, 158, 39.6, 11.0),
    "ANT5571": (56329.4015, 0.2, 157, 156.7, 3.6),
    "ANT0886": (54725.8894, 0.2, 152, 200.4, 17.9),
    "ANT5888": (56574.7303, 0.3, 153, 105.2, -44.3),
    "ANT0907": (54731.2417, 0.1, 155, 281.1, -48.7),
    "ANT5655": (56412.889, 0.2, 156, 283.4, -57.1),
    "ANT8518": (57998.9599, 0.2, 162, 1.8, -64.0),
}
CONE = {"ANT5087": 0.327663931770686, "ANT3659": 1.56948430621669}
CONE_COLUMNS = {
    "_r": "pos.distance",
    "MJD": "time.epoch",
    "Beta": "stat.error",
    "Nhit": "phys.energy",
    "RA": "POS_EQ_RA_MAIN",
    "Decl": "POS_EQ_DEC_MAIN",
    "ID": "ID_MAIN",
}
BACKGROUND_AT_20 = 7893.0656496

Numbers = dict[str, Any]


def by_openkm3(server: Server, cache: Path) -> Numbers:
    store = KM3Store(server.url, cache)
    events = store.get("ana20_01_vo").get_dataframe()
    bright = events[events.nhit > 150]
    cone = store.get("ana20_01_vo").get_scs().search((20, 30), 2)
    return {
        "columns": list(events.columns),
        "count": len(events),
        "first": tuple(events.iloc[0][COLUMNS[:-1]]),
        "bright": {row[-1]: tuple(row[:-1]) for row in bright.itertuples(index=False)},
        "cone": dict(zip(cone["ID"], cone["_r"], strict=True)),
        "cone columns": {name: cone.getdesc(name).ucd for name in cone.fieldnames},
        "background": store.get("ana20_01_bkg").evaluate(20),
    }


def by_pyvo(server: Server, cache: Path) -> Numbers:
    dal = pytest.importorskip("pyvo.dal", reason="needs pyvo: make test installs it")
    tap = dal.TAPService(f"{server.url}/vo/tap")
    bright = tap.search(BRIGHT).to_table()
    first = tap.search("SELECT TOP 1 * FROM ant20_01.main ORDER BY mjd").to_table()[0]
    cone = dal.SCSService(f"{server.url}/vo/scs/ant20_01/main").search((20, 30), 2)
    return {
        "columns": bright.colnames,
        "types": [bright[name].dtype.str[1:] for name in COLUMNS[:-1]],
        "count": tap.search("SELECT COUNT(*) AS n FROM ant20_01.main")["n"][0],
        "first": tuple(first)[:-1],
        "bright": {row["id"]: tuple(row)[:-1] for row in bright},
        "cone": dict(zip(cone["ID"], cone["_r"], strict=True)),
        "cone columns": {name: cone.getdesc(name).ucd for name in cone.fieldnames},
    }


def by_curl(server: Server, cache: Path) -> Numbers:
    if shutil.which("curl") is None:
        pytest.skip("needs the program curl: make tools")

    def curl(path: str, *options: str) -> bytes:
        command = ["curl", "--silent", "--show-error", "--fail", *options, server.url + path]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def query(adql: str) -> list[dict[str, str]]:
        form = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": adql}
        options = [x for key, value in form.items() for x in ("--data-urlencode", f"{key}={value}")]
        return list(csv.DictReader(io.StringIO(curl("/vo/tap/sync", *options).decode())))

    def record(name: str) -> dict[str, Any]:
        return json.loads(curl(f"/api/v1/records/{name}/"))["current"]

    (file,) = record("ana20_01_bkg")["files"]
    polynomial = json.loads(curl(f"/storage/ana20_01_bkg/1.0/{file['name']}"))["content"]
    (events,) = record("ana20_01_vo")["files"]
    table = parse_single_table(
        io.BytesIO(curl(f"/storage/ana20_01_vo/1.0/{events['name']}"))
    ).to_table()
    bright = query(BRIGHT)
    cone = parse_single_table(io.BytesIO(curl("/vo/scs/ant20_01/main?RA=20&DEC=30&SR=2")))
    rows = cone.to_table()
    return {
        "columns": list(bright[0]),
        "count": len(table),
        "first": tuple(table[0][name] for name in COLUMNS[:-1]),
        "bright": {row["id"]: tuple(float(row[n]) for n in COLUMNS[:-1]) for row in bright},
        "cone": {str(row["ID"]): float(row["_r"]) for row in rows},
        "cone columns": {field.name: field.ucd for field in cone.fields},
        "background": sum(c * 20**n for n, c in enumerate(polynomial["coefficients"])),
    }


@pytest.mark.parametrize("ask", [by_openkm3, by_pyvo, by_curl])
def test_the_numbers_are_the_published_ones(
    ask: Callable[[Server, Path], Numbers], antares_server: Server, tmp_path: Path
) -> None:
    found = ask(antares_server, tmp_path)
    assert found["columns"] == COLUMNS
    assert found["count"] == 8754
    assert found["first"] == pytest.approx(FIRST)
    assert set(found["bright"]) == set(EVENTS)
    for name, values in EVENTS.items():
        assert found["bright"][name] == pytest.approx(values), name
    assert list(found["cone"]) == list(CONE)
    assert found["cone"] == pytest.approx(CONE, abs=1e-13)
    assert found["cone columns"] == CONE_COLUMNS
    assert found.get("background", BACKGROUND_AT_20) == pytest.approx(BACKGROUND_AT_20, abs=1e-7)
    assert found.get("types", []) in ([], ["f8", "f8", "i4", "f8", "f8"])
