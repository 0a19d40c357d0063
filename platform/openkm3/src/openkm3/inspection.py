"""Look at a file from a stranger: in a process of its own, with limits of time and memory.

The C library behind HDF5 is known to corrupt memory on some damaged files. A server that takes
uploads must not read them in its own process; it calls :func:`inspect`, which survives whatever
the file does.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from .errors import FormatError, OpenKM3Error
from .metadata import Annotation, Finding


class TableSummary(BaseModel):
    """Size and columns of a table.

    The value of a column is its unit, empty if it has none; ``missing`` counts the values that
    columns lack, for those that lack any.
    """

    rows: int
    columns: dict[str, str]
    missing: dict[str, int] = {}


class Report(BaseModel):
    """What a file is."""

    format: str
    tables: dict[str, TableSummary]
    annotation: Annotation
    findings: list[Finding]


def inspect(path: Path | str, *, seconds: float = 60.0, memory: int = 4 * 2**30) -> Report:
    """Read and validate a file in a process of its own.

    Parameters
    ----------
    path : pathlib.Path or str
        The file.
    seconds : float, optional
        Time after which it is given up.
    memory : int, optional
        Address space of the process, in bytes (where the operating system limits it).

    Raises
    ------
    FormatError
        If the file cannot be read, takes too long or too much, or makes a library crash.
    OpenKM3Error
        If the process could not do its work for another reason.
    """
    command = [sys.executable, "-m", __name__, str(Path(path).absolute()), str(memory)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise FormatError(path, f"took longer than {seconds:g} s to read") from None
    if done.returncode == 0:
        return Report.model_validate_json(done.stdout)
    if done.returncode == 2:
        raise FormatError(path, done.stdout.decode("utf-8", "replace"))
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
    if done.returncode < 0 or done.returncode == 3 or "MemoryError" in said[-1]:
        raise FormatError(path, "is damaged such that reading it crashes or exhausts memory")
    raise OpenKM3Error(f"{path} could not be inspected: {said[-1]}")


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _report(path: Path) -> Report:
    from .formats import detect, missing, read
    from .metadata import validate

    fmt = detect(path)
    dataset = read(path, fmt)
    return Report(
        format=fmt,
        tables={
            name: TableSummary(
                rows=len(table),
                columns={key: str(table[key].unit or "") for key in table.colnames},
                missing={
                    key: count
                    for key in table.colnames
                    if (count := int(missing(table[key]).sum()))
                },
            )
            for name, table in dataset.tables.items()
        },
        annotation=dataset.annotation,
        findings=validate(dataset.annotation, dataset.data_tables),
    )


def _main() -> int:
    path = Path(sys.argv[1])
    # What reading needs is loaded first: the limit is for the file, not for libraries.
    for module in ("astropy.table", "h5py", "openkm3.formats"):
        import_module(module)
    _limit(int(sys.argv[2]))
    try:
        text = _report(path).model_dump_json(exclude_none=True)
    except OpenKM3Error as error:
        # On standard output, since libraries warn on the other one. The caller names the file.
        sys.stdout.write(error.problem if isinstance(error, FormatError) else str(error))
        return 2
    except MemoryError:
        return 3
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
