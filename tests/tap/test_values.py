"""No value is narrowed, cut or lost on its way, in any format: read back by other software."""

# ruff: noqa: RUF001, S608 - letters beyond ASCII are what is tested

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from adqlite.errors import VOError
from adqlite.formats import find_format, write_result
from adqlite.limits import Limits
from adqlite.queries.engine import Engine, Result
from adqlite.tables.metadata import Column, Schema, TableColumn
from adqlite.tables.metadata import Table as Described
from adqlite.tables.storage import TableStore
from adqlite.uploads.reading import read_upload
from tests.commands import run

from .test_stilts import STILTS

COLUMNS = (
    TableColumn(name="k", datatype="int"),
    TableColumn(name="flag", datatype="boolean"),
    TableColumn(name="h", datatype="short"),
    TableColumn(name="n", datatype="long", unit="s"),
    TableColumn(name="f", datatype="float"),
    TableColumn(name="x", datatype="double", unit="furlong"),
    TableColumn(name="a", datatype="char", arraysize="*"),
    TableColumn(name="u", datatype="unicodeChar", arraysize="*"),
    TableColumn(name="v", datatype="long", arraysize="2"),
    TableColumn(name="w", datatype="double", arraysize="3x2"),
    TableColumn(name="z", datatype="double", arraysize="*"),
)
THIRD = float(np.float32(1 / 3))
ROWS: list[tuple[Any, ...]] = [
    (
        0,
        True,
        -32768,
        2**63 - 1,
        THIRD,
        0.1,
        "a b",
        "späte Δ 𝛼",
        [1, 2**62 + 1],
        [*range(6)],
        [1.5],
    ),
    (1, None, None, None, None, None, None, None, None, None, None),
    (
        2,
        False,
        32767,
        -(2**63),
        math.inf,
        -math.inf,
        "",
        "",
        [None, -3],
        [None, 1, 2, 3, 4, 5],
        [2.5, 3.5],
    ),
    (3, None, 0, 2**53 + 1, 1.5, 1e-300, ' "x",\ty\r\nz ', "<&>' ", [0, 0], [0.5] * 6, [None, 1.0]),
]
NAMES = [column.name for column in COLUMNS]


@pytest.fixture(scope="module")
def engine_of_values(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    store = TableStore(Path(tmp_path_factory.mktemp("values")))
    rows = [
        [value if not isinstance(value, list) else _masked(value) for value in row] for row in ROWS
    ]
    schema = Schema(name="all_types", tables=(Described(name="t", columns=COLUMNS),))
    store.publish(schema, {"t": rows})
    return Engine(store, Limits())


def _masked(values: list[Any]) -> Any:
    return np.ma.array([0 if v is None else v for v in values], mask=[v is None for v in values])


def written(
    engine: Engine, name: str, query: str = "SELECT * FROM all_types.t ORDER BY k"
) -> bytes:
    out = io.BytesIO()
    with engine.run(query, seconds=20) as result:
        write_result(find_format(name), result, out, Limits())
    return out.getvalue()


def plain(value: Any) -> Any:
    """What another reader gave, as Python's own: None where there is nothing."""
    if isinstance(value, np.ma.MaskedArray | np.ndarray) and value.ndim:
        return [plain(v) for v in np.ma.asarray(value).ravel().tolist()]
    if value is None or value is np.ma.masked or np.ma.getmaskarray(value).any():
        return None
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def expected(*, empty_text: Any = "", without: tuple[str, ...] = ()) -> list[list[Any]]:
    def value(item: Any) -> Any:
        if item == "":
            return empty_text
        return item

    return [
        [value(item) for name, item in zip(NAMES, row, strict=True) if name not in without]
        for row in ROWS
    ]


@pytest.mark.parametrize("serialization", ["votable", "votable/td"])
def test_votable_has_every_value(engine_of_values: Engine, serialization: str) -> None:
    table = parse(io.BytesIO(written(engine_of_values, serialization))).get_first_table()
    fields = {field.name: (field.datatype, field.arraysize) for field in table.fields}
    assert fields == {c.name: (c.datatype, c.arraysize) for c in COLUMNS}
    found = table.to_table(use_names_over_ids=True)
    assert str(found["x"].unit) == "furlong"
    assert found["w"].shape == (4, 2, 3)
    rows = [[plain(found[name][index]) for name in NAMES] for index in range(4)]
    wanted = expected()
    for row, want in zip(rows, wanted, strict=True):
        for name, a, b in zip(NAMES, row, want, strict=True):
            empty = b is None and name in {"v", "w", "z"}
            if empty:  # a row without an array has only missing items
                assert not a or set(a) == {None}, name
            elif name in {"a", "u"} and not b:
                assert not a, name
            elif name in {"a", "u"} and serialization == "votable/td":
                assert a == b.strip(), name  # astropy cuts the blanks of cells
            else:
                assert a == b, (name, a, b)


def test_texts_that_are_missing_and_those_that_are_empty_differ_in_binary2(
    engine_of_values: Engine,
) -> None:
    # astropy ignores these flags on purpose (its issue 8995), STILTS knows no empty texts.
    document = io.BytesIO(written(engine_of_values, "votable", "SELECT k, u, a FROM all_types.t"))
    assert read_upload("t", document, Limits()).rows == [(r[0], r[7], r[6]) for r in ROWS]


def test_binary_has_every_value_but_the_one_that_stands_for_missing_ones(
    engine_of_values: Engine,
) -> None:
    with pytest.raises(VOError, match=r"column h contains -32768, .* BINARY2"):
        written(engine_of_values, "votable/b")
    query = "SELECT k, h, n, x, u, v FROM all_types.t WHERE k IN (1, 3) ORDER BY k"
    table = parse(io.BytesIO(written(engine_of_values, "votable/b", query))).get_first_table()
    names = table.array.dtype.names
    rows = [[plain(table.array[name][index]) for name in names] for index in range(2)]
    assert rows[0][:4] == [1, None, None, None]
    assert rows[1] == [3, 0, 2**53 + 1, 1e-300, "<&>' ", [0, 0]]


def test_fits_has_every_value_or_refuses_letters(engine_of_values: Engine) -> None:
    with pytest.raises(VOError, match=r"column u has the text .* ASCII only"):
        written(engine_of_values, "fits")
    names = [name for name in NAMES if name != "u"]
    data = written(
        engine_of_values, "fits", f"SELECT {', '.join(names)} FROM all_types.t ORDER BY k"
    )
    with fits.open(io.BytesIO(data)) as document:
        raw = document[1].data.view(np.ndarray)
        header = document[1].header
    assert raw["flag"].tolist() == [ord("T"), 0, ord("F"), 0]
    # FITS 4.0, 7.3.3: a text that begins with NUL is missing, blanks at its end mean nothing.
    assert [text[:1] for text in raw["a"].tolist()] == [b"a", b"", b" ", b" "]
    assert header["TUNIT6"] == "furlong"
    found = Table.read(io.BytesIO(data), format="fits", character_as_bytes=False)
    rows = [[plain(found[name][index]) for name in names] for index in range(4)]
    for row, want in zip(rows, expected(without=("u",)), strict=True):
        for name, a, b in zip(names, row, want, strict=True):
            if name in {"v", "w", "z"} and b is None:
                assert not a or set(a) == {None}
            elif name == "a":
                assert (a or "").rstrip() == (b or "").rstrip()
            elif name != "flag":
                assert a == b, (name, a, b)


def test_parquet_has_every_value(engine_of_values: Engine) -> None:
    data = written(engine_of_values, "parquet")
    table = pq.read_table(io.BytesIO(data))
    assert {f.name: str(f.type) for f in table.schema} == {
        "k": "int32",
        "flag": "bool",
        "h": "int16",
        "n": "int64",
        "f": "float",
        "x": "double",
        "a": "string",
        "u": "string",
        "v": "fixed_size_list<element: int64>[2]",
        "w": "fixed_size_list<element: fixed_size_list<element: double>[3]>[2]",
        "z": "list<element: double>",
    }
    assert table.schema.field("n").metadata[b"unit"] == b"s"
    rows = [list(row.values()) for row in table.to_pylist()]
    wanted = expected()
    for row in wanted:
        row[9] = row[9] and [row[9][:3], row[9][3:]]
    assert rows == wanted
    frame = pd.read_parquet(io.BytesIO(data), dtype_backend="numpy_nullable")
    assert frame["n"].tolist() == [2**63 - 1, pd.NA, -(2**63), 2**53 + 1]
    described = table.schema.metadata[b"IVOA.VOTable-Parquet.content"]
    fields = parse(io.BytesIO(described)).get_first_table().fields
    assert [(f.name, f.datatype) for f in fields] == [(c.name, c.datatype) for c in COLUMNS]


def test_json_has_every_value(engine_of_values: Engine) -> None:
    rows = json.loads(written(engine_of_values, "json"))["data"]
    wanted = expected()
    for row in wanted:
        row[9] = row[9] and [row[9][:3], row[9][3:]]
    wanted[2][4:6] = ["Infinity", "-Infinity"]
    assert rows == wanted


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_separated_values_have_every_value(
    engine_of_values: Engine, name: str, delimiter: str
) -> None:
    text = written(engine_of_values, name).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert rows[0] == NAMES
    for row, want in zip(rows[1:], ROWS, strict=True):
        assert row[2:4] == ["" if v is None else str(v) for v in want[2:4]]
        assert [float(v) if v else None for v in row[4:6]] == list(want[4:6])
        assert row[6:8] == ["" if v is None else v for v in want[6:8]]
        assert [json.loads(v) if v else None for v in (row[8], row[10])] == [want[8], want[10]]
    # Nothing is no text, "" is an empty one.
    lines = text.split("\r\n")
    assert delimiter * 9 in lines[2]
    assert f'{delimiter}""{delimiter}""{delimiter}' in lines[3]
    frame = pd.read_csv(
        io.StringIO(text), sep=delimiter, dtype_backend="numpy_nullable", skipinitialspace=False
    )
    assert frame["n"].tolist() == [2**63 - 1, pd.NA, -(2**63), 2**53 + 1]
    assert frame["u"][0] == "späte Δ 𝛼"


def test_a_row_of_one_missing_value_is_a_row(engine_of_values: Engine) -> None:
    data = written(engine_of_values, "csv", "SELECT n FROM all_types.t ORDER BY k")
    assert len(pd.read_csv(io.BytesIO(data))) == 4


@pytest.mark.skipif(
    shutil.which(STILTS[0]) is None,
    reason="needs STILTS: make tools, or a command in the variable STILTS",
)
@pytest.mark.parametrize("name", ["votable", "votable/td", "votable/b", "fits"])
def test_stilts_reads_every_value(engine_of_values: Engine, name: str, tmp_path: Path) -> None:
    columns = "k, flag, n, f, x" + (", u" if name != "fits" else "")
    where = "" if name in {"votable", "votable/td"} else " WHERE k <> 2"
    path = tmp_path / f"table.{find_format(name).extension}"
    path.write_bytes(
        written(engine_of_values, name, f"SELECT {columns} FROM all_types.t{where} ORDER BY k")
    )
    kind = "fits" if name == "fits" else "votable"
    command = [*STILTS, "tpipe", f"in={path}", f"ifmt={kind}", "ofmt=csv"]
    command += ["cmd=addcol gone NULL_n", "out=-"]
    done = run(*command, timeout=120)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    kept = [row for row in ROWS if not where or row[0] != 2]
    assert [row["n"] for row in rows] == ["" if r[3] is None else str(r[3]) for r in kept]
    assert [row["gone"] for row in rows] == ["true" if r[3] is None else "false" for r in kept]
    assert [row["flag"] for row in rows] == [
        "" if r[1] is None else str(r[1]).lower() for r in kept
    ]
    assert [float(row["x"]) if row["x"] else None for row in rows] == [r[5] for r in kept]
    if "u" in columns.split(", "):
        assert [row["u"] for row in rows] == [r[7] or "" for r in kept]


def test_columns_of_one_name_keep_their_values_apart(engine_of_values: Engine) -> None:
    query = 'SELECT k AS a, h AS a_2, n AS a, k AS "Ω", n AS "Δ" FROM all_types.t WHERE k = 0'
    expected = (0, -32768, 2**63 - 1, 0, 2**63 - 1)
    stored = Table.read(io.BytesIO(written(engine_of_values, "fits", query)))
    assert stored.colnames == ["a", "a_2", "a_3", "_", "__2"]
    assert tuple(stored[0]) == expected
    parquet = pd.read_parquet(io.BytesIO(written(engine_of_values, "parquet", query)))
    assert list(parquet.columns) == ["a", "a_2", "a_3", "Ω", "Δ"]
    assert tuple(parquet.iloc[0]) == expected


def test_control_characters_are_refused_where_xml_is_the_only_place(
    engine_of_values: Engine,
) -> None:
    columns = [Column(name="s", datatype="char", arraysize="*")]
    out = io.BytesIO()
    with pytest.raises(VOError, match="which XML cannot represent"):
        write_result(find_format("votable/td"), Result(columns, iter([("a\x01b",)])), out, Limits())
    out = io.BytesIO()
    write_result(find_format("votable"), Result(columns, iter([("a\x01b",)])), out, Limits())
    assert parse(io.BytesIO(out.getvalue())).get_first_table().array["s"][0] == "a\x01b"


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False),
            st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
            st.none() | st.booleans(),
        ),
        max_size=5,
    )
)
def test_any_values_are_the_same_in_all_formats(rows: list[tuple[Any, ...]]) -> None:
    columns = [
        Column(name="n", datatype="long"),
        Column(name="x", datatype="double"),
        Column(name="s", datatype="unicodeChar", arraysize="*"),
        Column(name="b", datatype="boolean"),
    ]

    def document(name: str) -> io.BytesIO:
        out = io.BytesIO()
        write_result(find_format(name), Result(columns, iter(rows)), out, Limits())
        return io.BytesIO(out.getvalue())

    found = [list(row.values()) for row in pq.read_table(document("parquet")).to_pylist()]
    assert found == [list(row) for row in rows]
    listed = json.loads(document("json").getvalue())["data"]
    assert [[r[0], *r[2:]] for r in listed] == [[r[0], *r[2:]] for r in rows]
    assert read_upload("t", document("votable"), Limits()).rows == rows
