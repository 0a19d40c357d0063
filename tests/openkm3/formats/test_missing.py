"""What a file calls missing is missing, whoever wrote it; the outside writers say what is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from openkm3.errors import FormatError
from openkm3.formats import ColumnData, DataSet, missing, read, write
from openkm3.formats.dataset import frame, plain

MASK = [False, True, False, True]
INTEGERS = {
    "signed": MaskedColumn([5, 6, 7, 8], mask=MASK),
    "unsigned": MaskedColumn(np.array([0, 1, 255, 254], "u1"), mask=MASK),
    "wide": MaskedColumn(np.array([-(2**63), 1, 2**63 - 1, 0]), mask=MASK),
}
SUFFIXES = (".h5", ".fits", ".vot", ".ecsv")


def written_by_astropy(folder: Path, suffix: str, table: Table) -> Table:
    path = folder / f"x{suffix}"
    table.write(path, format={".vot": "votable", ".ecsv": "ascii.ecsv", ".fits": "fits"}[suffix])
    return read(path).main_table()[1]


def as_lists(column: Any) -> list[Any]:
    gone = missing(column).tolist()
    return [None if unset else v for v, unset in zip(np.ma.getdata(column), gone, strict=True)]


@pytest.mark.parametrize("suffix", [".vot", ".ecsv"])
@pytest.mark.parametrize("name", sorted(INTEGERS))
def test_integers_that_astropy_masks_are_missing(tmp_path: Path, suffix: str, name: str) -> None:
    column = written_by_astropy(tmp_path, suffix, Table({name: INTEGERS[name]}))[name]
    assert as_lists(column) == [INTEGERS[name][0], None, INTEGERS[name][2], None]
    assert column.dtype == INTEGERS[name].dtype


@pytest.mark.parametrize("suffix", [".vot", ".ecsv", ".fits"])
def test_numbers_that_astropy_masks_are_missing(tmp_path: Path, suffix: str) -> None:
    table = Table({"flux": MaskedColumn([5.5, 6.5, 7.5, 8.5], mask=MASK)})
    assert missing(written_by_astropy(tmp_path, suffix, table)["flux"]).tolist() == MASK


def test_votable_null_and_empty_cells(tmp_path: Path) -> None:
    cells = [("5", "T", "a", "1"), ("-1", "?", "", ""), ("", "", "b", "NaN"), ("7", "F", "c", "2")]
    rows = "".join("<TR>" + "".join(f"<TD>{c}</TD>" for c in row) + "</TR>" for row in cells)
    (tmp_path / "x.vot").write_text(
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE><TABLE name="t"><FIELD name="n" datatype="int"><VALUES null="-1"/></FIELD>'
        '<FIELD name="flag" datatype="boolean"/><FIELD name="tag" datatype="char" arraysize="*"/>'
        '<FIELD name="x" datatype="double"/>'
        f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    table = read(tmp_path / "x.vot").tables["t"]
    assert as_lists(table["n"]) == [5, None, None, 7]
    assert as_lists(table["flag"]) == [True, None, None, False]
    assert as_lists(table["tag"]) == ["a", None, "b", "c"]
    assert missing(table["x"]).tolist() == [False, True, True, False]


def votable(path: Path, field: str, *cells: str, version: str = "1.4") -> Path:
    rows = "".join(f"<TR><TD>{cell}</TD></TR>" for cell in cells)
    path.write_text(
        f'<?xml version="1.0"?><VOTABLE version="{version}"><RESOURCE><TABLE name="t">'
        f'<FIELD name="a" {field}/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA>'
        "</TABLE></RESOURCE></VOTABLE>"
    )
    return path


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3", "1.4"])
def test_an_empty_cell_of_integers_is_missing_in_every_version(
    tmp_path: Path, version: str
) -> None:
    # STILTS 3.4 reads them so: 0 would be a number that nobody measured.
    path = votable(tmp_path / "x.vot", 'datatype="int"', "", "5", version=version)
    assert as_lists(read(path).tables["t"]["a"]) == [None, 5]


def test_null_of_irsa_is_missing(tmp_path: Path) -> None:
    # astropy.io.votable.converters: "IRSA VOTables use the word 'null' to specify empty values".
    path = votable(tmp_path / "x.vot", 'datatype="double"', "null", "5")
    assert as_lists(read(path).tables["t"]["a"]) == [None, 5]


# Ranges of the types: VOTable 1.4 (IVOA Recommendation 2019-10-21), section 2.1.
@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ('datatype="int"', "3000000000"),
        ('datatype="unsignedByte"', "-1"),
        ('datatype="double"', "1,5"),
        ('datatype="char" arraysize="3"', "abcd"),
        ('datatype="short" arraysize="2"', "1"),
        ('datatype="short" arraysize="2"', "1 2 3"),
    ],
)
def test_a_cell_that_does_not_fit_its_column_is_refused(
    tmp_path: Path, field: str, cell: str
) -> None:
    with pytest.raises(FormatError, match="line 1, character"):
        read(votable(tmp_path / "x.vot", field, cell))


def test_fits_null_is_what_is_stored_before_tzero(tmp_path: Path) -> None:
    # FITS 4.0, 7.3.2: TNULL is the stored integer, TSCAL and TZERO come after.
    signed = fits.Column("N", "I", array=np.array([5, -99, 7], "i2"), null=-99)
    scaled = fits.Column("U", "I", bzero=2**15, array=np.array([0, 1, 65535], "u2"), null=-(2**15))
    hdu = fits.BinTableHDU.from_columns([signed, scaled])
    hdu.writeto(tmp_path / "x.fits")
    table = read(tmp_path / "x.fits").main_table()[1]
    assert as_lists(table["N"]) == [5, None, 7]
    assert as_lists(table["U"]) == [None, 1, 65535]


def everything() -> Table:
    return Table(
        {
            **INTEGERS,
            "flag": MaskedColumn([True, False, True, False], mask=MASK),
            "flux": MaskedColumn([1.5, 0, np.inf, 0], mask=MASK),
            "tag": MaskedColumn(["a", "x", "", "y"], mask=MASK),
            "vector": MaskedColumn(np.arange(8).reshape(4, 2), mask=[[0, 1]] * 4),
            "when": np.array(["2020-01-01T00:00:00.000000001", "NaT"] * 2, "datetime64[ns]"),
        }
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_our_own_files_keep_missing_values(tmp_path: Path, suffix: str) -> None:
    expected = everything()
    write(DataSet({"events": expected}), tmp_path / f"x{suffix}")
    table = read(tmp_path / f"x{suffix}").tables["events"]
    assert table.colnames == expected.colnames
    for name in expected.colnames:
        ours, theirs = ColumnData.of(table[name]), ColumnData.of(expected[name])
        assert ours.kind == theirs.kind, name
        np.testing.assert_array_equal(ours.missing, theirs.missing, err_msg=name)
        there = ~theirs.missing
        np.testing.assert_array_equal(ours.values[there], theirs.values[there], err_msg=name)


def test_lists_and_frames_have_no_invented_values() -> None:
    pd = pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")
    lists = plain(everything())
    assert lists["signed"] == [5, None, 7, None]
    assert lists["flag"] == [True, None, True, None]
    assert lists["tag"] == ["a", None, "", None]
    assert lists["vector"][1] == [2, None]
    assert lists["when"][1] is None
    result = frame(everything())
    types = {name: str(result[name].dtype) for name in ("signed", "unsigned", "flag", "tag")}
    assert types == {"signed": "Int64", "unsigned": "UInt8", "flag": "boolean", "tag": "string"}
    for name in ("signed", "unsigned", "wide", "flag", "flux", "tag"):
        assert pd.isna(result[name]).tolist() == MASK, name
    assert result["wide"][2] == 2**63 - 1


def test_a_time_of_astropy_is_a_time_with_its_scale(tmp_path: Path) -> None:
    times = Time([60000.25, 60001], format="mjd", scale="tt")
    Table({"t": times}).write(tmp_path / "x.ecsv", format="ascii.ecsv")
    column = read(tmp_path / "x.ecsv").main_table()[1]["t"]
    assert column[0] == np.datetime64("2023-02-25T06:00:00")
    assert column.meta["timescale"] == "tt"


def test_a_unit_that_is_not_known_is_kept(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        table = Table({"n": [1.0]}, units={"n": "photoelectrons/slice"})
        write(DataSet({"events": table}), tmp_path / f"x{suffix}")
        unit = read(tmp_path / f"x{suffix}").tables["events"]["n"].unit
        assert str(unit) == "photoelectrons/slice", suffix


def test_fits_tables_of_text_are_read(tmp_path: Path) -> None:
    number = fits.Column("N", "I4", array=np.array([5, -9, 6]), null="-9", ascii=True)
    fits.TableHDU.from_columns([number]).writeto(tmp_path / "x.fits")
    assert as_lists(read(tmp_path / "x.fits").main_table()[1]["N"]) == [5, None, 6]


def test_fill_values_and_packing_of_netcdf(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["t"] = np.array([100, -1, 300], "i2")
        file["t"].attrs["_FillValue"] = np.int16(-1)
        file["t"].attrs["scale_factor"] = 0.5
        file["t"].attrs["add_offset"] = 10.0
    assert as_lists(read(tmp_path / "x.h5").tables["t"]["t"]) == [60.0, None, 160.0]


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv", ".parquet"])
def test_rows_of_varying_length_that_are_missing_are_not_empty_ones(
    tmp_path: Path, suffix: str
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow: openkm3[parquet]")
    rows = np.empty(3, dtype=object)
    rows[:] = [np.array([1, 2]), np.array([3]), np.array([], dtype=int)]
    data = Table({"n": [1, 2, 3], "v": MaskedColumn(rows, mask=[False, True, False])})
    write(DataSet({"t": data}), tmp_path / f"x{suffix}")
    (table,) = read(tmp_path / f"x{suffix}").data_tables.values()
    assert missing(table["v"]).tolist() == [False, True, False]
    assert [table["v"][n].tolist() for n in (0, 2)] == [[1, 2], []]


def test_rows_of_varying_length_of_other_writers(tmp_path: Path) -> None:
    # FITS standard 4.0, 7.3.5: TNULL counts in variable-length arrays, letters make a text.
    rows = np.empty(2, dtype=object)
    rows[:] = [np.array([1, 2], "i4"), np.array([3], "i4")]
    columns = [
        fits.Column("a", "PJ()", array=rows, null=3),
        fits.Column("s", "PA()", array=["ab", "c"]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "x.fits")
    table = read(tmp_path / "x.fits").main_table()[1]
    assert table["a"][0].tolist() == [1, 2]
    assert np.isnan(table["a"][1]).tolist() == [True]
    assert table["s"].tolist() == ["ab", "c"]


def test_a_missing_time_of_astropy_in_fits(tmp_path: Path) -> None:
    when = Time([60000.0, 60001.5], format="mjd", scale="tt")
    when[1] = np.ma.masked
    QTable({"t": when}).write(tmp_path / "x.fits")
    column = read(tmp_path / "x.fits").main_table()[1]["t"]
    assert missing(column).tolist() == [False, True]
    assert str(column[0]) == "2023-02-25T00:00:00.000000000"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_time_scale_that_astropy_lacks_is_kept(tmp_path: Path, suffix: str) -> None:
    # VOTable 1.4 takes scales and places of TIMESYS from the IVOA's vocabularies.
    (tmp_path / "a.vot").write_text(
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE><TIMESYS ID="t" timescale="TDB" refposition="BARYCENTER"/><TABLE>'
        '<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp" ref="t"/>'
        "<DATA><TABLEDATA><TR><TD>2023-01-01T00:00:00</TD></TR></TABLEDATA></DATA>"
        "</TABLE></RESOURCE></VOTABLE>"
    )
    write(read(tmp_path / "a.vot"), tmp_path / f"b{suffix}")
    column = read(tmp_path / f"b{suffix}").main_table()[1]["t"]
    assert column.meta["timescale"] == "tdb at BARYCENTER"
    assert str(column[0]).startswith("2023-01-01T00:00:00")
