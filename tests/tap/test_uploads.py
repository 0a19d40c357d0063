"""Strangers' VOTables."""

from __future__ import annotations

import base64
import gzip
import io
from contextlib import suppress

import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from adqlite.errors import UploadError
from adqlite.limits import Limits
from adqlite.service import upload_parts
from adqlite.uploads.reading import read_upload
from adqlite.uploads.remote import fetch, public_address

HEAD = '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
FIELDS = '<FIELD name="ra" datatype="double"/><FIELD name="n" datatype="int"/>'


def votable(inner: str, fields: str = FIELDS) -> bytes:
    return (
        f"{HEAD}<RESOURCE><TABLE>{fields}<DATA>{inner}</DATA></TABLE></RESOURCE></VOTABLE>".encode()
    )


def rows(count: int) -> str:
    return "<TABLEDATA>" + "<TR><TD>1</TD><TD>2</TD></TR>" * count + "</TABLEDATA>"


def read(data: bytes, **limits):
    return read_upload("mine", io.BytesIO(data), Limits(**limits))


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_a_table_of_astropy_is_read_whole(serialization):
    table = Table(
        {
            "ra": [1.5, 2.5],
            "name": ["a", "Ω"],
            "flag": [True, False],
            "v": [[1, 2], [3, 4]],
            "n": MaskedColumn([7, 8], mask=[False, serialization != "binary"]),
        }
    )
    out = io.BytesIO()
    table.write(out, format="votable", tabledata_format=serialization)
    found = read(out.getvalue())
    assert [c.name for c in found.columns] == ["ra", "name", "flag", "v", "n"]
    second = 8 if serialization == "binary" else None
    assert found.rows == [(1.5, "a", True, "[1, 2]", 7), (2.5, "Ω", False, "[3, 4]", second)]


def cells(field: str, *values: str) -> bytes:
    listed = "".join(f"<TR><TD>{value}</TD></TR>" for value in values)
    return votable(f"<TABLEDATA>{listed}</TABLEDATA>", f'<FIELD name="a" {field}/>')


# Ranges of the types: VOTable 1.4 (IVOA Recommendation 2019-10-21), section 2.1.
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ('datatype="int"', "3000000000", "'3000000000' is out of range"),
        ('datatype="short"', "-32769", "'-32769' is out of range"),
        ('datatype="long"', "9223372036854775808", "'9223372036854775808' is out of range"),
        ('datatype="unsignedByte"', "256", "'256' is out of range"),
        ('datatype="unsignedByte"', "-1", "'-1' is out of range"),
        ('datatype="int"', "1.5", "'1.5'"),
        ('datatype="int"', "n/a", "'n/a'"),
        ('datatype="double"', "1,5", "'1,5'"),
        ('datatype="boolean"', "maybe", "'maybe'"),
        ('datatype="char" arraysize="3"', "abcd", "too long for specified length of 3"),
        ('datatype="char"', "ab", "too long"),
        ('datatype="short" arraysize="2"', "1", "number of elements"),
        ('datatype="short" arraysize="2"', "1 2 3", "number of elements"),
        ('datatype="short" arraysize="*"', "1 70000", "'70000' is out of range"),
        ('datatype="float" arraysize="2"', "1 x", "'x'"),
    ],
)
def test_a_cell_that_does_not_match_its_column_is_refused_and_not_changed(field, value, words):
    with pytest.raises(UploadError, match=words) as refused:
        read(cells(field, value))
    assert "line 1, character" in str(refused.value)


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3", "1.4"])
@pytest.mark.parametrize("size", ["", ' arraysize="2"'])
def test_an_empty_cell_of_integers_is_a_missing_one_in_every_version(version, size):
    # STILTS 3.4 reads them so: 0 would be a number that nobody measured.
    data = cells(f'datatype="int"{size}', "", "5 6" if size else "5")
    found = read(data.replace(b'<VOTABLE version="1.4"', f'<VOTABLE version="{version}"'.encode()))
    assert found.rows == [(None,), ("[5, 6]" if size else 5,)]


BOMB = '<!DOCTYPE V [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE V [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not well-formed XML"),
        (b"ra,dec\n1,2\n", "an upload has to be a VOTable, so convert other formats"),
        (b"\x00\xff\xfe not xml", "not well-formed XML"),
        (votable(rows(1))[:-30], "not well-formed XML"),
        (b"<html><body/></html>", "not a VOTable"),
        (votable(rows(1)).replace(b"<VOTABLE", BOMB.encode() + b"<VOTABLE"), "document type"),
        (votable(rows(1)).replace(b"<VOTABLE", XXE.encode() + b"<VOTABLE"), "document type"),
        (f"{HEAD}{'<RESOURCE>' * 99}{'</RESOURCE>' * 99}</VOTABLE>".encode(), "nested deeper"),
        (f"{HEAD}<RESOURCE/></VOTABLE>".encode(), "cannot be read"),
        (votable('<BINARY><STREAM href="http://127.0.0.1/x"/></BINARY>'), "href"),
        (
            votable(
                '<BINARY><STREAM encoding="gzip">'
                + base64.b64encode(gzip.compress(b"0" * 9999)).decode()
                + "</STREAM></BINARY>"
            ),
            "base64",
        ),
        (votable('<FITS><STREAM encoding="base64">AAAA</STREAM></FITS>'), "FITS"),
        (votable('<BINARY><STREAM encoding="base64">!!!</STREAM></BINARY>'), "not valid base64"),
        (votable('<BINARY><STREAM encoding="base64">AAAA</STREAM></BINARY>'), "end within row 1"),
        (
            votable(
                "<TABLEDATA><TR><TD>1 2</TD></TR></TABLEDATA>",
                '<FIELD name="a" datatype="floatComplex"/>',
            ),
            "floatComplex",
        ),
        (votable(rows(1), FIELDS.replace('"n"', '"RA"')), "two columns"),
        (votable(rows(1), '<FIELD name="ra" datatype="nonsense"/>'), "cannot be read"),
        (votable(rows(1), f'<FIELD name="{"x" * 20_000}" datatype="int"/>'), "too long"),
    ],
)
def test_a_hostile_or_broken_document_is_refused_with_a_reason(data, words):
    with pytest.raises(UploadError, match=words):
        read(data)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"upload_bytes": 100}, "bytes"),
        ({"upload_rows": 5}, "rows"),
        ({"upload_columns": 1}, "columns"),
    ],
)
def test_the_limits_hold(limits, words):
    assert len(read(votable(rows(6))).rows) == 6
    with pytest.raises(UploadError, match=words):
        read(votable(rows(6)), **limits)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 600), junk=st.binary(min_size=1, max_size=12))
def test_a_damaged_document_is_read_or_refused_but_breaks_nothing(at, junk):
    data = votable(rows(3))
    with suppress(UploadError):  # any other error fails the test
        assert len(read(data[:at] + junk + data[at + len(junk) :]).rows) <= 4


@pytest.mark.parametrize("text", ["mine", "mine,", ",param:x", "a,param:x;A,param:y"])
def test_a_wrong_upload_parameter_is_refused(text):
    with pytest.raises(UploadError):
        upload_parts(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::1]/",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "http://user:pw@example.org/",
        "http://127.0.0.1:22/",
        "http://[bad",
        "nothing",
    ],
)
def test_nothing_is_fetched_from_inside_the_network(url):
    with pytest.raises(UploadError), fetch(url, Limits()):
        pass


def test_a_public_address_is_accepted():
    assert public_address("8.8.8.8", 80, Limits()) == "8.8.8.8"
