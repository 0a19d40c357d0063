"""VOSI 1.1: availability, capabilities (TAPRegExt 1.0, SimpleDALRegExt 1.1) and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml.builder import E, ElementMaker

from adqlite.formats import FORMATS
from adqlite.http.uws import iso
from adqlite.limits import Limits
from adqlite.tables.metadata import ForeignKey, Schema, Table, TableColumn
from adqlite.translation import UDFS
from adqlite.xmltext import XSI, clean, document

_VOSI = "http://www.ivoa.net/xml/VOSI"
_VODATASERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"
_TYPE = f"{{{XSI}}}type"
_TAPREGEXT = "ivo://ivoa.net/std/TAPRegExt"
_STARTED = datetime.now(UTC)

_GEOMETRY = (
    "POINT",
    "CIRCLE",
    "BOX",
    "POLYGON",
    "CONTAINS",
    "INTERSECTS",
    "DISTANCE",
    "AREA",
    "CENTROID",
    "COORD1",
    "COORD2",
    "COORDSYS",
)
# COALESCE works too, but STILTS 3.4 reports its feature type as an error.
_FEATURES = {
    "features-adqlgeo": _GEOMETRY,
    "features-adql-string": ("LOWER", "UPPER", "ILIKE"),
    "features-adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "features-adql-common-table": ("WITH",),
    "features-adql-offset": ("OFFSET",),
    "features-adql-type": ("CAST",),
    "features-adql-unit": ("IN_UNIT",),
    "features-udf": tuple(UDFS.values()),
}


def availability(note: str = "") -> bytes:
    """Returns the availability document, with a note about what does not work."""
    namespace = f"{_VOSI}Availability/v1.0"
    vosi = ElementMaker(namespace=namespace, nsmap={"vosi": namespace})
    notes = [vosi.note(clean(note))] if note else []
    return document(vosi.availability(vosi.available("true"), vosi.upSince(iso(_STARTED)), *notes))


# Capabilities


def _capabilities(*content: Any) -> bytes:
    namespace = f"{_VOSI}Capabilities/v1.0"
    prefixes = {
        "vosi": namespace,
        "xsi": XSI,
        "vr": "http://www.ivoa.net/xml/VOResource/v1.0",
        "vs": _VODATASERVICE,
        "cs": "http://www.ivoa.net/xml/ConeSearch/v1.0",
        "tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
    }
    return document(ElementMaker(namespace=namespace, nsmap=prefixes).capabilities(*content))


def _interface(url: str, *more: Any, use: str = "full", **attributes: str) -> Any:
    kind = {_TYPE: attributes.pop("type", "vs:ParamHTTP")}
    return E.interface(E.accessURL(clean(url), use=use), *more, kind, role="std", **attributes)


def _vosi_parts(base: str, parts: Sequence[str]) -> list[Any]:
    return [
        E.capability(
            _interface(f"{base}/{part}", version="1.1"),
            standardID=f"ivo://ivoa.net/std/VOSI#{part}",
        )
        for part in parts
    ]


def _language() -> Any:
    versions = (
        E.version(number, {"ivo-id": f"ivo://ivoa.net/std/ADQL#v{number}"})
        for number in ("2.0", "2.1")
    )
    features = (
        E.languageFeatures(
            *(E.feature(E.form(form)) for form in forms), type=f"{_TAPREGEXT}#{kind}"
        )
        for kind, forms in _FEATURES.items()
    )
    description = E.description("The Astronomical Data Query Language")
    return E.language(E.name("ADQL"), *versions, description, *features)


def _formats() -> Iterable[Any]:
    for known in FORMATS:
        identifier = {"ivo-id": known.ivoid} if known.ivoid else {}
        yield E.outputFormat(E.mime(known.mime), E.alias(known.name), identifier)


def _limit(tag: str, default: float, hard: float | None = None, unit: str = "") -> Any:
    attributes = {"unit": unit} if unit else {}
    bounds = [E.default(str(default), attributes)]
    if hard is not None:
        bounds.append(E.hard(str(hard), attributes))
    return getattr(E, tag)(*bounds)


def tap_capabilities(base: str, limits: Limits) -> bytes:
    """Returns the capabilities of the TAP service at `base`."""
    uploads = (
        E.uploadMethod({"ivo-id": f"{_TAPREGEXT}#upload-{kind}"})
        for kind in ("inline", "http", "https")
    )
    access = E.capability(
        _interface(base, use="base", version="1.1"),
        _language(),
        *_formats(),
        *uploads,
        _limit("retentionPeriod", int(limits.job_days * 86400)),
        _limit("executionDuration", limits.async_seconds, limits.async_seconds),
        _limit("outputLimit", limits.default_rows, limits.rows, "row"),
        _limit("uploadLimit", limits.upload_bytes, limits.upload_bytes, "byte"),
        {_TYPE: "tr:TableAccess"},
        standardID="ivo://ivoa.net/std/TAP",
    )
    examples = E.capability(
        _interface(f"{base}/examples", type="vr:WebBrowser"),
        standardID="ivo://ivoa.net/std/DALI#examples",
    )
    vosi = _vosi_parts(base, ("capabilities", "availability", "tables"))
    return _capabilities(access, examples, *vosi)


def cone_capabilities(base: str, limits: Limits) -> bytes:
    """Returns the capabilities of the cone search at `base`."""
    search = E.capability(
        _interface(
            f"{base}?",
            E.queryType("GET"),
            E.resultType("application/x-votable+xml"),
            use="base",
            version="1.03",
        ),
        E.maxSR("180"),
        E.maxRecords(str(limits.rows)),
        E.verbosity("true"),
        E.testQuery(E.ra("20"), E.dec("30"), E.sr("2")),
        {_TYPE: "cs:ConeSearch"},
        standardID="ivo://ivoa.net/std/ConeSearch",
    )
    return _capabilities(search, *_vosi_parts(base, ("capabilities",)))


# Tables

_TABLES = f"{_VOSI}Tables/v1.0"
_tables = ElementMaker(namespace=_TABLES, nsmap={"vosi": _TABLES, "xsi": XSI, "vs": _VODATASERVICE})


def tableset(schemas: Sequence[Schema], *, detail: bool) -> bytes:
    """Returns the description of all tables, with their columns if `detail`."""
    described = (
        E.schema(
            E.name(schema.name),
            *_texts(title=schema.title, description=schema.description, utype=schema.utype),
            *(
                E.table(*_content(schema, table, detail=detail), type="table")
                for table in schema.tables
            ),
        )
        for schema in schemas
    )
    return document(_tables.tableset(*described))


def one_table(schema: Schema, table: Table) -> bytes:
    """Returns the description of one table."""
    return document(_tables.table(*_content(schema, table, detail=True), type="table"))


def _texts(**values: str | None) -> list[Any]:
    """Returns an element for each value that there is."""
    return [getattr(E, tag)(clean(value)) for tag, value in values.items() if value]


def _content(schema: Schema, table: Table, *, detail: bool) -> Iterable[Any]:
    yield E.name(f"{schema.name}.{table.name}")
    yield from _texts(title=table.title, description=table.description, utype=table.utype)
    if detail:
        yield from (_column(column, table) for column in table.columns)
        yield from map(_foreign_key, table.foreign_keys)


def _foreign_key(key: ForeignKey) -> Any:
    pairs = (E.fkColumn(E.fromColumn(a), E.targetColumn(b)) for a, b in key.columns.items())
    return E.foreignKey(E.targetTable(key.target), *pairs)


def _column(column: TableColumn, table: Table) -> Any:
    # `size` is a word of ADQL; the name in this document is the one that a query has to contain.
    name = '"size"' if column.name == "size" else column.name
    attributes = {_TYPE: "vs:VOTableType"}
    if column.arraysize:
        attributes["arraysize"] = column.arraysize
    if column.xtype:
        attributes["extendedType"] = clean(column.xtype)
    indexed = column.indexed or column.name in (table.position or ())
    return E.column(
        E.name(name),
        *_texts(
            description=column.description, unit=column.unit, ucd=column.ucd, utype=column.utype
        ),
        E.dataType(column.datatype, attributes),
        *([E.flag("indexed")] if indexed else []),
        std=str(column.std).lower(),
    )
