"""Reading uploaded VOTables, after their inspection."""

from __future__ import annotations

import math
import re
from typing import IO, TYPE_CHECKING, Any

from adqlite.errors import UploadError, UploadTooLarge
from adqlite.limits import Limits
from adqlite.queries.engine import UploadedTable
from adqlite.tables.cells import frozen_array
from adqlite.tables.metadata import Column
from adqlite.uploads.inspection import inspect
from adqlite.uploads.parsing import parsed_document

if TYPE_CHECKING:
    import numpy as np
    from astropy.io.votable.tree import Field, TableElement

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_KINDS = {
    "boolean": "boolean",
    "bit": "boolean",
    "unsignedByte": "short",
    "short": "short",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "char": "char",
    "unicodeChar": "unicodeChar",
}


def read_upload(name: str, stream: IO[bytes], limits: Limits) -> UploadedTable:
    """Reads an uploaded VOTable.

    Parameters
    ----------
    name : str
        Name of the table in TAP_UPLOAD.
    stream : binary file
        Seekable VOTable.
    limits : Limits

    Raises
    ------
    UploadError
        The name or the document is not accepted.
    """
    if not _NAME.fullmatch(name):
        raise UploadError(
            f"{name!r} is not a table name: use letters, digits and _, starting with a letter"
        )
    size = stream.seek(0, 2)
    if size > limits.upload_bytes:
        raise UploadTooLarge(
            f"upload {name}: {size} bytes; at most {limits.upload_bytes} are allowed"
        )
    stream.seek(0)
    flags = inspect(name, stream, limits)
    stream.seek(0)
    table = _first_table(name, stream)
    columns = _columns(name, table.fields, limits)
    if len(table.array) > limits.upload_rows:
        raise UploadError(
            f"upload {name}: {len(table.array)} rows; at most {limits.upload_rows} are allowed"
        )
    values = [
        _values(column, table.array[key])
        for column, key in zip(columns, table.array.dtype.names or (), strict=True)
    ]
    if len(flags) == len(table.array):
        values = [
            _without_flagged(cells, flags, index) if columns[index].is_text else cells
            for index, cells in enumerate(values)
        ]
    columns = [
        _with_its_characters(column, cells) for column, cells in zip(columns, values, strict=True)
    ]
    return UploadedTable(name=name, columns=columns, rows=list(zip(*values, strict=True)))


def _first_table(name: str, stream: IO[bytes]) -> TableElement:
    try:
        table = parsed_document(stream.read()).get_first_table()
    except (ValueError, IndexError, RecursionError) as error:
        raise UploadError(f"upload {name}: this VOTable cannot be read ({error})") from error
    if table.array.dtype.names is None or not table.fields:
        raise UploadError(f"upload {name}: the table has no columns")
    return table


def _columns(name: str, fields: list[Field], limits: Limits) -> list[Column]:
    columns: list[Column] = []
    taken: set[str] = set()
    for number, found in enumerate(fields, 1):
        label = (found.name or found.ID or f"col_{number}").strip() or f"col_{number}"
        if label.lower() in taken:
            raise UploadError(f"upload {name}: two columns are called {label}")
        if not label.isprintable() or len(label) > 200:
            raise UploadError(f"upload {name}: column {number} has a name that is not accepted")
        taken.add(label.lower())
        if found.datatype not in _KINDS:
            raise UploadError(
                f"upload {name}: column {label} has the type {found.datatype}, "
                f"accepted are {', '.join(_KINDS)}"
            )
        text = found.datatype in {"char", "unicodeChar"}
        size = found.arraysize if found.arraysize not in {None, "", "1"} or text else None
        if text and (size or "1").count("x"):
            raise UploadError(f"upload {name}: column {label} holds arrays of strings")
        columns.append(
            Column(
                name=label,
                datatype=_KINDS[found.datatype],  # type: ignore[arg-type]
                arraysize="*" if text else size,
                xtype=found.xtype,
                unit=str(found.unit) if found.unit is not None else None,
                ucd=found.ucd,
                utype=found.utype,
                description=(found.description or "").strip(),
            )
        )
    return columns


def _without_flagged(values: list[Any], flags: list[bytes], index: int) -> list[Any]:
    """Returns text with None where BINARY2 flags a missing cell."""
    at, bit = index // 8, 0x80 >> index % 8
    return [None if row[at] & bit else v for v, row in zip(values, flags, strict=True)]


def _with_its_characters(column: Column, values: list[Any]) -> Column:
    """Returns a text column as unicodeChar if a value is not ASCII, as char has to be."""
    if column.datatype == "char" and not all(v is None or v.isascii() for v in values):
        return column.model_copy(update={"datatype": "unicodeChar"})
    return column


def _values(column: Column, cells: np.ma.MaskedArray) -> list[Any]:
    import numpy as np

    if column.is_array:
        return [_array(cell) for cell in cells]
    values: list[Any] = []
    for value, masked in zip(cells.data.tolist(), np.ma.getmaskarray(cells).tolist(), strict=True):
        if masked is True or value is None or (isinstance(value, float) and math.isnan(value)):
            values.append(None)
        elif column.is_text:
            values.append(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            )
        else:
            values.append(value)
    return values


def _array(cell: Any) -> str | None:
    """Returns an array as stored in SQLite; masked items are missing."""
    import numpy as np

    numbers = np.ma.asarray(cell)
    if numbers.size == 0 or np.ma.getmaskarray(numbers).all():
        return None
    return frozen_array(numbers.ravel().tolist())
