"""Publishing a table in the embedded VO services."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from opendata.vo.engine import antares
from openkm3.formats import DataSet

_DATATYPES: dict[str, Any] = {
    "i2": "short",
    "i4": "int",
    "i8": "long",
    "f4": "float",
    "f8": "double",
}

_PUBLISHED = {
    "ant20_01.main": {column.name: column.label for column in antares.SCHEMA.tables[0].columns}
}


def publish_table(schema: str, name: str, dataset: DataSet, *, title: str) -> dict[str, str]:
    """Publish the main table of a data set as ``schema.name``; return the record's service."""
    from opendata.vo.engine import metadata as vo
    from opendata.vo.engine.storage import TableStore

    _, table = dataset.main_table()
    info = dataset.annotation.paraminfo
    columns = []
    # In a cone search the events of ANTARES keep the names under which they were published.
    published = _PUBLISHED.get(f"{schema}.{name}", {})
    for key in table.colnames:
        text = table[key].dtype.kind == "U"
        parameter = info.get(key)
        columns.append(
            vo.TableColumn(
                name=key,
                label=published.get(key),
                datatype="char" if text else _DATATYPES[table[key].dtype.str[1:]],
                arraysize="*" if text else None,
                unit=str(table[key].unit) if table[key].unit else None,
                ucd=(parameter.ucd if parameter else None),
                description=(parameter.description if parameter else None) or "",
                indexed=key in ("ra", "decl", "dec", "id", "mjd", "nhit"),
            )
        )
    header = dataset.annotation.header
    description = vo.Schema(
        name=schema,
        title=title,
        description=header.description or "",
        tables=(
            vo.Table(
                name=name,
                title=title,
                description=header.description or "",
                columns=tuple(columns),
            ),
        ),
    )
    rows = zip(*(table[key].tolist() for key in table.colnames), strict=True)
    TableStore(settings.VO_FOLDER).publish(description, {name: rows})
    return {"table": f"{schema}.{name}"}
