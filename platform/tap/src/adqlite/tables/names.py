"""Regular names of tables and columns: those that ADQL accepts without quotes."""

from __future__ import annotations

import re
from collections.abc import Collection

from adqlite.adql.words import RESERVED
from adqlite.tables.metadata import RESERVED_SCHEMAS

#: A regular table name with its schema.
FULL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}\.[A-Za-z][A-Za-z0-9_]{0,62}")


def proposed_name(identifier: str) -> str:
    """Returns a table name made from an identifier."""
    schema = re.sub(r"\W", "_", identifier, flags=re.ASCII).strip("_").lower()
    return f"{schema if schema[:1].isalpha() else f't_{schema}'}"[:63] + ".main"


def name_problem(full_name: str) -> str | None:
    """Returns why a name is not accepted for a table, None if it is."""
    if not FULL_NAME.fullmatch(full_name):
        return (
            f"{full_name!r} is not a table name: write SCHEMA.TABLE with letters, digits and _, "
            "each part starting with a letter"
        )
    for part in full_name.lower().split("."):
        if part in RESERVED:
            return f"{part} is a reserved word of ADQL; choose another name than {full_name}"
    if full_name.lower().partition(".")[0] in RESERVED_SCHEMAS:
        return f"the schema of {full_name} is reserved for the services themselves"
    return None


def regular_name(name: str) -> str:
    """Returns a similar name that ADQL accepts without quotes."""
    regular = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
    if not regular[0].isalpha():
        regular = f"c_{regular}"
    return f"{regular}_" if regular.lower() in RESERVED else regular[:63]


def distinct(name: str, taken: Collection[str]) -> str:
    """Returns the first of x, x_2, x_3 ... that is not taken; `taken` is in lower case."""
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name[:58]}_{number}"
    return found
