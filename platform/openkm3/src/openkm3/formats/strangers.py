"""Files of other formats: what they are, and what reads them."""

from __future__ import annotations

from pathlib import Path

_TABLE = "read it with pandas or astropy and write ECSV, e.g. Table.read(...).write('x.ecsv')"
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "packed with gzip",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
}
#: What files of KM3NeT are, by suffix, and what to use.
_BY_SUFFIX = {
    ".detx": ("a detector description", "km3pipe.hardware.Detector reads it"),
    ".datx": ("a detector description in binary form", "Jpp or KM3io.jl read it"),
    ".evt": ("a text file of simulated events", "km3pipe.io.EvtPump reads it"),
    ".dat": ("raw data without a header that says what they are", "km3pipe.io.daq reads DAQ data"),
    ".dqd": ("raw DAQ data", "km3pipe.io.daq reads them"),
    ".csk": ("raw data of a CLB", "km3pipe.io.clb reads them"),
    ".bin": ("raw samples", "numpy.fromfile reads them"),
    ".csv": ("a text table without units or types", _TABLE),
    ".tsv": ("a text table without units or types", _TABLE),
    ".txt": ("text", _TABLE + ", if it is a table"),
    ".md": ("a text to read", "open it in an editor"),
    ".py": ("a program", "it holds no data"),
    ".inp": ("a steering file", "open it in an editor"),
    ".job": ("a steering file", "open it in an editor"),
    ".npy": ("an array of numpy", "numpy.load reads it"),
    ".feather": ("Arrow's Feather", "pandas.read_feather reads it; write Parquet"),
    ".arrow": ("an Arrow file", "pyarrow.ipc reads it; write Parquet"),
    ".pkl": ("a pickle of Python", "it is not safe to read; write Parquet or HDF5"),
}


def described(path: Path, start: bytes) -> str | None:
    """Return what a file is and what to use instead, as end of a sentence, None if unknown.

    Parameters
    ----------
    path : pathlib.Path
        The file; its suffix counts where its content says nothing.
    start : bytes
        Its first bytes.
    """
    for magic, what in _PACKED.items():
        if start.startswith(magic):
            return f"is {what}: unpack it first"
    if start.lstrip()[:1] == b"[":
        return "is a list in JSON, not annotated JSON: the json module of Python reads it"
    if start.startswith(b"%PDF"):
        return "is of no known format, but a PDF document"
    if b"RUNH" in start[:16]:
        return "is output of CORSIKA, which openkm3 does not read: the package corsikaio does"
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        return None
    what, instead = found
    return f"is {what} by its name, which openkm3 does not read: {instead}"
