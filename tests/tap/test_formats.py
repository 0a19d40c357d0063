"""Every output format, read back by other software."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io.votable import parse
from astropy.table import Table

from adqlite.errors import VOError
from adqlite.formats import FORMATS, find_format, write_result
from adqlite.limits import Limits
from adqlite.queries.engine import Result
from adqlite.tables.metadata import Column

COLUMNS = [
    Column(name="x", datatype="double", unit="deg", ucd="pos.eq.ra"),
    Column(name="n", datatype="int"),
    Column(name="big", datatype="long"),
    Column(name="s", datatype="char", arraysize="*"),
    Column(name="w", datatype="unicodeChar", arraysize="*"),
    Column(name="ok", datatype="boolean"),
    Column(name="v", datatype="float", arraysize="2"),
]
ROWS = [
    (1.5, 3, 2**60, "a<b&\"c',d\te", "Ωµ", 1, "[1.0, 2.5]"),
    (None, None, None, None, None, None, None),
    (float("inf"), -1, -5, "", "z", 0, "[3.0, 4.0]"),
]


def written(name: str, limits: Limits | None = None, overflow: bool = False) -> bytes:
    out = io.BytesIO()
    # FITS has ASCII only.
    rows = [(*row[:4], "O", *row[5:]) if name == "fits" and row[4] else row for row in ROWS]
    result = Result(COLUMNS, iter(rows), overflow=overflow)
    write_result(find_format(name), result, out, limits or Limits())
    return out.getvalue()


@pytest.mark.parametrize("name", ["votable", "votable/td", "votable/b"])
def test_votable_is_read_by_astropy(name):
    document = parse(
        io.BytesIO(written(name)), verify="exception" if name != "votable/b" else "warn"
    )
    table = document.get_first_table().to_table(use_names_over_ids=True)
    assert table.colnames == [c.name for c in COLUMNS]
    assert table["x"].unit == "deg"
    assert (table["x"][0], table["n"][0], table["big"][0]) == (1.5, 3, 2**60)
    assert [table["s"][0], table["w"][0]] == ["a<b&\"c',d\te", "Ωµ"]
    assert np.isposinf(table["x"][2])
    assert list(table["v"][2]) == [3, 4]
    if name == "votable":
        assert table["n"].mask.tolist() == [False, True, False]


def test_overflow_is_reported_after_the_table():
    text = written("votable/td", overflow=True).decode()
    assert text.index("</TABLE>") < text.index('value="OVERFLOW"')


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_separated_values_are_read_by_python(name, delimiter):
    rows = list(csv.reader(io.StringIO(written(name).decode(), newline=""), delimiter=delimiter))
    assert rows[0] == [c.name for c in COLUMNS]
    assert rows[1][:5] == ["1.5", "3", str(2**60), "a<b&\"c',d\te", "Ωµ"]
    assert rows[2] == [""] * 7


def test_fits_is_read_by_astropy():
    table = Table.read(io.BytesIO(written("fits")), format="fits")
    assert (table["x"][0], table["big"][0], table["n"][2]) == (1.5, 2**60, -1)
    assert table["x"].unit == "deg"
    assert table["n"].mask.tolist() == [False, True, False]


def test_fits_of_no_rows_is_read_by_astropy():
    out = io.BytesIO()
    write_result(find_format("fits"), Result(COLUMNS, iter(())), out, Limits())
    assert len(Table.read(io.BytesIO(out.getvalue()), format="fits")) == 0


def test_json_is_strict():
    def refuse(text: str) -> None:
        raise AssertionError(text)

    document = json.loads(written("json"), parse_constant=refuse)
    assert document["data"][0][:4] == [1.5, 3, 2**60, "a<b&\"c',d\te"]
    assert document["data"][2][0] == "Infinity"
    assert document["data"][0][6] == [1.0, 2.5]
    assert document["metadata"][0]["unit"] == "deg"


def test_html_escapes_what_is_in_the_cells():
    cells: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            cells.append(data)

    Reader().feed(written("html").decode())
    assert "a<b&\"c',d\te" in cells


@pytest.mark.parametrize("known", FORMATS, ids=lambda f: f.name)
def test_a_result_above_the_size_limit_is_refused(known):
    with pytest.raises(VOError, match="larger than"):
        written(known.name, Limits(result_bytes=20))


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(VOError, match="csv"):
        find_format("application/x-excel")
