"""Files of formats that openkm3 does not read: what they are, and which software reads them."""

from __future__ import annotations

from pathlib import Path

_TABLE = "read it with pandas or astropy and write ECSV, e.g. Table.read(...).write('x.ecsv')"
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
}
#: By suffix: the kind of file, and the software that reads it.
_BY_SUFFIX = {
    ".detx": ("a detector description", "km3pipe.hardware.Detector reads it"),
    ".datx": ("a detector description in binary form", "Jpp or KM3io.jl read it"),
    ".evt": ("a text file of simulated events", "km3pipe.io.EvtPump reads it"),
    ".dat": ("raw data without a header", "km3pipe.io.daq reads DAQ data"),
    ".dqd": ("raw DAQ data", "km3pipe.io.daq reads it"),
    ".csk": ("raw data of a CLB", "km3pipe.io.clb reads it"),
    ".bin": ("raw samples", "numpy.fromfile reads them"),
    ".csv": ("a text table without units or types", _TABLE),
    ".tsv": ("a text table without units or types", _TABLE),
    ".txt": ("text", _TABLE + ", if it is a table"),
    ".md": ("a document", "open it in an editor"),
    ".py": ("a program", "it does not contain data"),
    ".inp": ("a steering file", "open it in an editor"),
    ".job": ("a steering file", "open it in an editor"),
    ".npy": ("a numpy array", "numpy.load reads it"),
    ".feather": ("Arrow's Feather", "pandas.read_feather reads it; write Parquet"),
    ".arrow": ("an Arrow file", "pyarrow.ipc reads it; write Parquet"),
    ".pkl": ("a Python pickle", "pickles are not safe to read; write Parquet or HDF5"),
}


def described(path: Path, start: bytes) -> str | None:
    """Return the kind of a file and what to use instead, as the end of a sentence, or None.

    Parameters
    ----------
    path : pathlib.Path
        The file; its suffix is used if its content is not recognised.
    start : bytes
        Its first bytes.
    """
    for magic, what in _PACKED.items():
        if start.startswith(magic):
            return f"is {what}: decompress it first"
    if start.lstrip()[:1] == b"[":
        return "is a JSON list, not annotated JSON: Python's json module reads it"
    if start.startswith(b"%PDF"):
        return "is a PDF document, which does not contain tables"
    if b"RUNH" in start[:16]:
        return "is output of CORSIKA, which openkm3 does not read: the package corsikaio reads it"
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        return None
    what, instead = found
    return f"looks like {what}, which openkm3 does not read: {instead}"
