"""A notebook for a record of the Open Data Center, for its button "Open in the hub"."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from km3lab.folder import Folder

__all__ = ["FOLDER", "IDENTIFIER", "RecordError", "file_name", "notebook", "provide"]

#: Folder of the notebooks, below the home.
FOLDER = "open-data"
#: Valid identifiers (openkm3's catalogue). The notebook contains the identifier as code.
IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9_.:+\-]{0,199}"

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|$~&])")
_LONGEST = 2000


class RecordError(Exception):
    """There is no notebook for the record; the message is a sentence for the user."""


def file_name(identifier: str) -> str:
    """Returns the notebook's name; in JupyterLab ':' would name a drive."""
    return re.sub(r"[^A-Za-z0-9_.\-]", "-", identifier) + ".ipynb"


def notebook(record: dict[str, Any], portal: str = "") -> bytes:
    """Returns the notebook that loads a record and shows it.

    Parameters
    ----------
    record
        The portal's answer at `/api/v1/records/ID/`.
    portal
        The portal's address for people, for a link to the record's page; empty: no link.

    Raises
    ------
    RecordError
        If the answer is not a record.
    """
    try:
        identifier, kind, current = record["identifier"], record["kind"], record["current"]
        title, about = _plain(current["title"]), _plain(current["description"])
        ktype, files, service = current["ktype"], current["files"], current["service"]
    except (KeyError, TypeError):
        raise RecordError("The Open Data Center did not send a valid record.") from None
    if not isinstance(identifier, str) or not re.fullmatch(IDENTIFIER, identifier):
        raise RecordError("The Open Data Center sent a record without a valid identifier.")
    page = f"{portal}/records/{quote(identifier)}/"
    where = f"[{_plain(identifier)}]({page})" if portal else f"`{identifier}`"
    cells = [
        _cell(
            "markdown", "about", f"# {title}\n\n{about}\n\nRecord {where} of the Open Data Center"
        ),
        _cell("code", "get", _getting(identifier, kind)),
    ]
    use = _using(kind, str(ktype), bool(files), bool(service))
    if use:
        cells.append(_cell("code", "use", use))
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _plain(text: object) -> str:
    """Returns text as Markdown that shows it unchanged, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split())[:_LONGEST])


def _getting(identifier: str, kind: str) -> str:
    lines = ["from openkm3.store import KM3Store", "", "store = KM3Store()"]
    if kind == "resource":
        lines += [f'data = store.get("{identifier}")', "if data:", "    data.show_metadata()"]
    else:
        lines.append(f'store.list("{identifier}")')
    return "\n".join(lines)


def _using(kind: str, ktype: str, has_file: bool, has_service: bool) -> str:
    if kind != "resource":
        return ""
    if ktype.startswith("km3.data.l4.function"):
        return "data.show_paraminfo()\ndata.evaluate(20)"
    if ktype.startswith("km3.data.l4.lookup"):
        return "data.show_paraminfo()\ndata.get_dataframe()"
    if ktype in ("km3.env.acoustic.wav", "km3.env.acoustic.mp3") and has_file:
        return "from IPython.display import Audio\n\nAudio(filename=str(data.path))"
    if has_service or has_file:
        return (
            'if hasattr(data, "get_dataframe"):\n'
            "    table = data.get_dataframe()\n"
            "    display(table.describe(), table.head())\n"
            "else:\n"
            '    print("The file is", data.path)'
        )
    return ""


def provide(root: Path, identifier: str, content: bytes) -> str:
    """Write the notebook to `root`, unless the user has one of that name.

    Returns
    -------
    str
        Its path below `root`.

    Raises
    ------
    RecordError
        If the folder cannot be written to.
    """
    name = file_name(identifier)
    try:
        with Folder.at(root / FOLDER, create=True) as folder:
            found = folder.look(name, sizes=frozenset())
            if found.kind == "missing":
                folder.add(name, content)
            elif found.kind != "file":
                raise RecordError(f"{FOLDER}/{name} is not a file; rename it and try again.")
    except FileExistsError:
        pass  # the same link, opened twice at once
    except NotADirectoryError:
        raise RecordError(
            f"{FOLDER} in your home is not a folder; rename it and try again."
        ) from None
    except OSError as error:
        raise RecordError(f"{FOLDER}/{name} cannot be written: {error.strerror}.") from None
    return f"{FOLDER}/{name}"
