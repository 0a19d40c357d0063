"""Files that are damaged or made to do harm give one clear error and cost little."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

import h5py
import numpy as np
from astropy import units
from astropy.table import Table

from openkm3 import annotated
from openkm3.errors import FormatError, MetadataError, OpenKM3Error
from openkm3.formats import DataSet, convert, detect, read, write
from openkm3.metadata import Annotation

SUFFIXES = (".h5", ".fits", ".vot", ".ecsv")


@pytest.fixture
def small() -> DataSet:
    table = Table({"ra": np.linspace(0, 350, 40), "dec": np.zeros(40), "id": ["x"] * 40})
    table["mjd"], table["e"] = np.full(40, 60000.0), np.full(40, 1.0) * units.TeV
    return DataSet({"events": table}, Annotation.parse({"header": {"name": "small"}}))


def refused(path: Path, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(
    small: DataSet, tmp_path: Path, suffix: str, part: float
) -> None:
    whole = tmp_path / f"whole{suffix}"
    write(small, whole)
    content = whole.read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FormatError):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 something", "a PDF document"),
        (b"\x00" * 5000, "unknown format"),
        (b"<html><body>Not found</body></html>", "unknown format"),
        (b"PK\x03\x04rest", "zip archive: decompress it"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "events.h5"  # the name says nothing
    path.write_bytes(content)
    refused(path, words)


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.h5", "no such file")
    refused(tmp_path, "cannot be opened")


def test_packed_files_are_not_unpacked(small: DataSet, tmp_path: Path) -> None:
    write(small, tmp_path / "x.fits")
    packed = tmp_path / "x.fits.gz"
    packed.write_bytes(gzip.compress((tmp_path / "x.fits").read_bytes()))
    refused(packed, "gzip: decompress it first")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("0", b"\0" * 10_000_000)
    refused(tmp_path / "bomb.zip", "zip archive")


def test_an_addresslike_name_is_never_fetched() -> None:
    for name in ("http://127.0.0.1:1/x.h5", "file:///etc/passwd", "s3://bucket/x.root"):
        with pytest.raises(FormatError, match="no such file"):
            read(name)


# HDF5


def make_h5(path: Path, build: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        build(file)
    return path


DTYPE = np.dtype([("x", "f8")])


def test_a_table_of_terabytes_without_data_is_refused(tmp_path: Path) -> None:
    path = make_h5(
        tmp_path / "huge.h5",
        lambda f: f.create_dataset("events", shape=(10**12,), dtype=DTYPE, chunks=(1000,)),
    )
    assert path.stat().st_size < 10_000
    refused(path, "8e\\+03 GB of memory.*OPENKM3_MAX_BYTES")


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    zeros = np.zeros(20_000_000, dtype=DTYPE)
    path = make_h5(
        tmp_path / "bomb.h5",
        lambda f: f.create_dataset(
            "events", data=zeros, chunks=(5_000_000,), compression="gzip", compression_opts=9
        ),
    )
    with h5py.File(path, "r+") as file:
        assert file["events"].id.get_storage_size() < 200_000
    refused(path, "decompression bomb")


def test_the_memory_limit_can_be_set(
    small: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(small, tmp_path / "x.h5")
    monkeypatch.setenv("OPENKM3_MAX_BYTES", "100")
    refused(tmp_path / "x.h5", "more than the limit")
    monkeypatch.setenv("OPENKM3_MAX_BYTES", "lots")
    with pytest.raises(OpenKM3Error, match="not a number of bytes"):
        read(tmp_path / "x.h5")


def test_links_to_other_files_are_refused(small: DataSet, tmp_path: Path) -> None:
    write(small, tmp_path / "secret.h5")

    def external(file: h5py.File) -> None:
        file["events"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/events")

    refused(make_h5(tmp_path / "link.h5", external), "link to another file")
    soft = make_h5(tmp_path / "soft.h5", lambda f: f.update({"events": h5py.SoftLink("/no")}))
    assert read(soft).tables == {}  # it is not followed


def test_data_kept_in_other_files_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "passwd"
    target.write_bytes(b"root:x:0:0:" * 100)
    outside = make_h5(
        tmp_path / "raw.h5",
        lambda f: f.create_dataset(
            "events", (10,), dtype=np.dtype([("x", "S8")]), external=[(str(target), 0, 80)]
        ),
    )
    refused(outside, "stores its data in another file")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(10,), dtype=DTYPE)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "events", shape=(10,))
        file.create_virtual_dataset("events", layout)

    refused(make_h5(tmp_path / "virtual.h5", virtual), "stores its data in another file")


def test_deep_and_endless_nesting_is_refused_or_ends(tmp_path: Path) -> None:
    deep = make_h5(tmp_path / "deep.h5", lambda f: f.create_group("/".join(["g"] * 500)))
    refused(deep, "nested more than 32 levels deep")

    def circle(file: h5py.File) -> None:
        file.create_group("a")["b"] = file["/"]
        file.create_dataset("events", data=np.zeros(3, dtype=DTYPE))

    # A group that contains itself is legal HDF5: each group is looked at once.
    assert len(read(make_h5(tmp_path / "circle.h5", circle)).tables["events"]) == 3


def test_huge_attributes_and_too_many_objects_are_refused(tmp_path: Path) -> None:
    def huge(file: h5py.File) -> None:
        file.attrs.create("title", np.zeros(2**20 * 8, dtype="u1"))

    path = tmp_path / "attribute.h5"
    with h5py.File(path, "w", libver="latest") as file:
        huge(file)
    refused(path, "attribute 'title' of 8388608 bytes is too large")

    def many(file: h5py.File) -> None:
        for number in range(10_001):
            file.create_group(str(number))

    refused(make_h5(tmp_path / "many.h5", many), "more than 10000 objects")


def test_metadata_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    for number, text in enumerate(["[1]", "not json", '{"header": 3}', "[" * 100_000]):

        def build(file: h5py.File, text: str = text) -> None:
            file.create_dataset("events", data=np.zeros(1, dtype=DTYPE))
            file.create_dataset("km3_annotation", data=np.frombuffer(text.encode(), dtype="u1"))

        path = make_h5(tmp_path / f"{number}.h5", build)
        with pytest.raises((FormatError, MetadataError)):
            read(path)


# FITS


def test_fits_that_announces_more_than_it_has_is_refused(small: DataSet, tmp_path: Path) -> None:
    write(small, tmp_path / "x.fits")
    content = (tmp_path / "x.fits").read_bytes()
    card = next(
        content[start : start + 80]
        for start in range(0, len(content), 80)
        if content[start : start + 8] == b"NAXIS2  "
    )
    for rows in (10**6, 10**15):
        path = tmp_path / f"{rows}.fits"
        path.write_bytes(content.replace(card, f"NAXIS2  = {rows:>20}".ljust(80).encode()))
        with pytest.raises(FormatError):
            read(path)


# VOTable

VOTABLE = (
    '<?xml version="1.0"?>{doctype}<VOTABLE version="1.4" '
    'xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE {table}>'
    '<FIELD name="x" datatype="double" {field}/><DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>'
)
ROWS = "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"doctype": '<!DOCTYPE v [<!ENTITY a SYSTEM "file:///etc/passwd">]>'},
            "document type or entities",
        ),
        (
            {
                "doctype": '<!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
                "data": "<TABLEDATA><TR><TD>&b;</TD></TR></TABLEDATA>",
            },
            "document type or entities",
        ),
        ({"data": '<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'}, "STREAM href"),
        ({"data": '<BINARY><STREAM href="http://127.0.0.1:1/"/></BINARY>'}, "STREAM href"),
        ({"data": '<BINARY><STREAM encoding="gzip">AA</STREAM></BINARY>'}, "compresses its data"),
        ({"table": 'nrows="99999999999"'}, "more than the file can hold"),
        ({"table": 'nrows="-5"'}, "more than the file can hold"),
        ({"field": 'arraysize="99999999999"'}, "too many elements"),
        ({"data": "<TABLEDATA>" + "<TR>" * 100}, "nested more than 32 levels deep"),
    ],
)
def test_what_votables_could_do_is_refused(
    tmp_path: Path, parts: dict[str, str], words: str
) -> None:
    base = {"doctype": "", "table": "", "field": "", "data": ROWS}
    path = tmp_path / "x.vot"
    path.write_text(VOTABLE.format(**base))
    assert len(read(path).tables["table"]) == 1
    path.write_text(VOTABLE.format(**base | parts))
    refused(path, words)


# ECSV


#: Thirty lists, each of which has the one before twice; and a hundred that have it once.
DOUBLED = (
    "meta: {a0: &a0 [x], "
    + ", ".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]" for n in range(30))
    + "}"
)
NESTED = (
    "meta: {a0: &a0 [x], " + ", ".join(f"a{n + 1}: &a{n + 1} [*a{n}]" for n in range(100)) + "}"
)


def ecsv(path: Path, meta: str) -> Path:
    lines = ["%ECSV 1.0", "---", "datatype:", "- {name: x, datatype: float64}", *meta.splitlines()]
    path.write_text("".join(f"# {line}\n" for line in lines) + "x\n1.0\n")
    return path


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (DOUBLED, "too large with its YAML references resolved"),
        (NESTED, "nested more than 32 levels deep"),
        ("meta: {a: &a [*a]}", "reference to what contains it"),
        ("meta: {a: &a {b: [*a]}}", "reference to what contains it"),
        ("meta: " + "[" * 60 + "]" * 60, "nested more than 32 levels deep"),
        ("meta: !!python/object/apply:os.system ['true']", "cannot be read as ECSV"),
        ("meta: {broken", "not YAML"),
    ],
)
def test_yaml_that_could_do_harm_is_refused(tmp_path: Path, meta: str, words: str) -> None:
    assert read(ecsv(tmp_path / "fine.ecsv", "meta: {header: {name: n}}")).annotation.header.name
    refused(ecsv(tmp_path / "x.ecsv", meta), words)


def test_yaml_may_refer_to_what_stands_before(tmp_path: Path) -> None:
    meta = "meta: {header: {name: &n events, title: *n}}"
    header = read(ecsv(tmp_path / "x.ecsv", meta)).annotation.header
    assert (header.name, header.title) == ("events", "events")


# annotated JSON


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "no 'content'"),
        ('{"content": 3}', "content"),
        ('{"content": {"functiontype": "polynomial", "coefficients": []}}', "coefficients"),
        ('{"content": {"functiontype": "polynomial", "coefficients": [NaN]}}', "coefficients"),
        ('{"content": {"functiontype": "__import__", "coefficients": [1]}}', "functiontype"),
        (
            json.dumps(
                {"content": {"xaxis": {"edges": [1, 0]}, "yaxis": {"points": [1]}, "values": [[1]]}}
            ),
            "must increase",
        ),
        (
            json.dumps(
                {"content": {"xaxis": {"edges": [0, 1]}, "yaxis": {"points": [1]}, "values": [[]]}}
            ),
            "not 1 rows of 1 columns",
        ),
    ],
)
def test_broken_lookups_and_functions_say_where(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(FormatError, match=words):
        annotated.read(path)


# whatever else


def test_writing_says_what_it_cannot_do(small: DataSet, tmp_path: Path) -> None:
    write(small, tmp_path / "x.h5")
    for name, words in (("x.root", "not written"), ("x.doc", "is not that of a format")):
        with pytest.raises(FormatError, match=words):
            convert(tmp_path / "x.h5", tmp_path / name)
    with pytest.raises(FormatError, match="no folder"):
        convert(tmp_path / "x.h5", tmp_path / "missing" / "x.fits")
    assert detect(tmp_path / "x.h5") == "hdf5"
