"""Documents of the VO services: VOSI, UWS, examples and a page for people."""

# ruff: noqa: S608 - the queries here are shown, not run

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from adqlite.formats import FORMATS
from adqlite.formats.votable import xml
from adqlite.jobs.job import COMPLETED, ERROR, Job
from adqlite.limits import Limits
from adqlite.tables.metadata import Schema, Table, TableColumn
from adqlite.translation import UDFS

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_VOSI = "http://www.ivoa.net/xml/VOSI"
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
# COALESCE works, but validators in use (STILTS 3.4) take its kind of feature for an error.
_OPTIONAL = {
    "features-adql-string": ("LOWER", "UPPER", "ILIKE"),
    "features-adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "features-adql-common-table": ("WITH",),
    "features-adql-offset": ("OFFSET",),
    "features-adql-type": ("CAST",),
    "features-adql-unit": ("IN_UNIT",),
}


def iso(when: datetime | None) -> str:
    """Give a time as UWS writes it."""
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


# VOSI


def availability() -> str:
    """Give the VOSI availability document."""
    return (
        f'{_DECLARATION}<vosi:availability xmlns:vosi="{_VOSI}Availability/v1.0">\n'
        "<vosi:available>true</vosi:available>\n"
        f"<vosi:upSince>{iso(_STARTED)}</vosi:upSince>\n</vosi:availability>\n"
    )


def _capabilities(content: str) -> str:
    return (
        f'{_DECLARATION}<vosi:capabilities xmlns:vosi="{_VOSI}Capabilities/v1.0" {_XSI} '
        'xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
        'xmlns:cs="http://www.ivoa.net/xml/ConeSearch/v1.0" '
        f'xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0">\n{content}</vosi:capabilities>\n'
    )


def _vosi_parts(base: str, parts: Sequence[str]) -> str:
    return "".join(
        f'<capability standardID="ivo://ivoa.net/std/VOSI#{part}">\n'
        '<interface xsi:type="vs:ParamHTTP" role="std" version="1.1">'
        f'<accessURL use="full">{xml(base)}/{part}</accessURL></interface>\n</capability>\n'
        for part in parts
    )


def tap_capabilities(base: str, limits: Limits) -> str:
    """Give the capabilities of the TAP service."""
    features = [("features-adqlgeo", _GEOMETRY), *_OPTIONAL.items()]
    languages = "".join(
        f'<languageFeatures type="ivo://ivoa.net/std/TAPRegExt#{kind}">\n'
        + "".join(f"<feature><form>{form}</form></feature>\n" for form in forms)
        + "</languageFeatures>\n"
        for kind, forms in features
    )
    udfs = "".join(f"<feature><form>{xml(form)}</form></feature>\n" for form in UDFS.values())
    formats = "".join(
        "<outputFormat" + (f' ivo-id="{f.ivoid}"' if f.ivoid else "") + f"><mime>{xml(f.mime)}"
        f"</mime><alias>{f.name}</alias></outputFormat>\n"
        for f in FORMATS
    )
    uploads = "".join(
        f'<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-{kind}"/>\n'
        for kind in ("inline", "http", "https")
    )
    return _capabilities(
        '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">\n'
        '<interface xsi:type="vs:ParamHTTP" role="std" version="1.1">'
        f'<accessURL use="base">{xml(base)}</accessURL></interface>\n'
        "<language><name>ADQL</name>"
        '<version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version>'
        '<version ivo-id="ivo://ivoa.net/std/ADQL#v2.1">2.1</version>'
        "<description>The Astronomical Data Query Language</description>\n"
        f'{languages}<languageFeatures type="ivo://ivoa.net/std/TAPRegExt#features-udf">\n'
        f"{udfs}</languageFeatures>\n</language>\n{formats}{uploads}"
        f"<retentionPeriod><default>{int(limits.job_days * 86400)}</default></retentionPeriod>\n"
        f"<executionDuration><default>{limits.async_seconds}</default>"
        f"<hard>{limits.async_seconds}</hard></executionDuration>\n"
        f'<outputLimit><default unit="row">{limits.default_rows}</default>'
        f'<hard unit="row">{limits.rows}</hard></outputLimit>\n'
        f'<uploadLimit><default unit="byte">{limits.upload_bytes}</default>'
        f'<hard unit="byte">{limits.upload_bytes}</hard></uploadLimit>\n'
        "</capability>\n"
        '<capability standardID="ivo://ivoa.net/std/DALI#examples">\n'
        '<interface xsi:type="vr:WebBrowser" role="std">'
        f'<accessURL use="full">{xml(base)}/examples</accessURL></interface>\n</capability>\n'
        + _vosi_parts(base, ("capabilities", "availability", "tables"))
    )


def cone_capabilities(base: str, limits: Limits) -> str:
    """Give the capabilities of a cone search."""
    return _capabilities(
        '<capability standardID="ivo://ivoa.net/std/ConeSearch" xsi:type="cs:ConeSearch">\n'
        '<interface xsi:type="vs:ParamHTTP" role="std" version="1.03">'
        f'<accessURL use="base">{xml(base)}?</accessURL><queryType>GET</queryType>'
        "<resultType>application/x-votable+xml</resultType></interface>\n"
        f"<maxSR>180</maxSR><maxRecords>{limits.rows}</maxRecords><verbosity>true</verbosity>\n"
        "<testQuery><ra>20</ra><dec>30</dec><sr>2</sr></testQuery>\n</capability>\n"
        + _vosi_parts(base, ("capabilities",))
    )


_TABLES = (
    f'xmlns:vosi="{_VOSI}Tables/v1.0" {_XSI} xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"'
)


def tableset(schemas: Sequence[Schema], *, detail: bool) -> str:
    """Give the VOSI tables document."""
    content = "".join(
        f"<schema>\n<name>{xml(schema.name)}</name>\n{_about(schema)}"
        + "".join(_table(schema, table, detail=detail) for table in schema.tables)
        + "</schema>\n"
        for schema in schemas
    )
    return f"{_DECLARATION}<vosi:tableset {_TABLES}>\n{content}</vosi:tableset>\n"


def one_table(schema: Schema, table: Table) -> str:
    """Give the VOSI document of one table."""
    body = _table(schema, table, detail=True)
    body = body.removeprefix('<table type="table">').removesuffix("</table>\n")
    return f'{_DECLARATION}<vosi:table {_TABLES} type="table">{body}</vosi:table>\n'


def _about(thing: Schema | Table) -> str:
    return "".join(
        f"<{tag}>{xml(value)}</{tag}>\n"
        for tag, value in (
            ("title", thing.title),
            ("description", thing.description),
            ("utype", thing.utype),
        )
        if value
    )


def _table(schema: Schema, table: Table, *, detail: bool) -> str:
    columns = keys = ""
    if detail:
        columns = "".join(_column(column, table) for column in table.columns)
        keys = "".join(
            f"<foreignKey><targetTable>{xml(key.target)}</targetTable>"
            + "".join(
                f"<fkColumn><fromColumn>{xml(a)}</fromColumn>"
                f"<targetColumn>{xml(b)}</targetColumn></fkColumn>"
                for a, b in key.columns.items()
            )
            + "</foreignKey>\n"
            for key in table.foreign_keys
        )
    return (
        f'<table type="table"><name>{xml(schema.name)}.{xml(table.name)}</name>\n'
        f"{_about(table)}{columns}{keys}</table>\n"
    )


def _column(column: TableColumn, table: Table) -> str:
    size = f" arraysize={quoteattr(column.arraysize)}" if column.arraysize else ""
    xtype = f" extendedType={quoteattr(column.xtype)}" if column.xtype else ""
    indexed = column.indexed or column.name in (table.position or ())
    inner = "".join(
        f"<{tag}>{xml(value)}</{tag}>"
        for tag, value in (
            ("name", '"size"' if column.name == "size" else column.name),
            ("description", column.description),
            ("unit", column.unit),
            ("ucd", column.ucd),
            ("utype", column.utype),
        )
        if value
    )
    flags = "".join(
        f"<flag>{flag}</flag>" for flag, on in (("indexed", indexed), ("primary", False)) if on
    )
    return (
        f'<column std="{str(column.std).lower()}">{inner}'
        f'<dataType xsi:type="vs:VOTableType"{size}{xtype}>{column.datatype}</dataType>'
        f"{flags}</column>\n"
    )


# UWS

_UWS = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" ' + _XSI
)


def job_list() -> str:
    """Give an empty list of jobs."""
    return f'{_DECLARATION}<uws:jobs {_UWS} version="1.1"/>\n'


def _element(name: str, value: str, *, nil: bool = False) -> str:
    if not value and nil:
        return f'<uws:{name} xsi:nil="true"/>\n'
    return f"<uws:{name}>{xml(value)}</uws:{name}>\n"


def job(found: Job, base: str) -> str:
    """Give the document of a job."""
    error = ""
    if found.phase == ERROR:
        error = (
            '<uws:errorSummary type="fatal" hasDetail="true">'
            f"<uws:message>{xml(found.error or '')}</uws:message></uws:errorSummary>\n"
        )
    return (
        f'{_DECLARATION}<uws:job {_UWS} version="1.1">\n'
        + _element("jobId", found.id)
        + (_element("runId", found.run_id) if found.run_id else "")
        + _element("ownerId", "", nil=True)
        + _element("phase", found.phase)
        + _element("quote", "", nil=True)
        + _element("creationTime", iso(found.created))
        + _element("startTime", iso(found.started), nil=True)
        + _element("endTime", iso(found.ended), nil=True)
        + _element("executionDuration", str(found.duration))
        + _element("destruction", iso(found.destruction))
        + _parameters(found)
        + _results(found, base)
        + error
        + "</uws:job>\n"
    )


def _parameters(found: Job, more: str = "") -> str:
    inner = "".join(
        f"<uws:parameter id={quoteattr(name)}>{xml(value)}</uws:parameter>\n"
        for name, value in found.parameters.items()
    )
    return f"<uws:parameters{more}>\n{inner}</uws:parameters>\n"


def _results(found: Job, base: str, more: str = "") -> str:
    inner = ""
    if found.phase == COMPLETED:
        inner = (
            f'<uws:result id="result" xlink:type="simple" mime-type={quoteattr(found.mime or "")}'
            f" xlink:href={quoteattr(base + '/results/result')}/>\n"
        )
    return f"<uws:results{more}>\n{inner}</uws:results>\n"


def job_parameters(found: Job) -> str:
    """Give the document of a job's parameters."""
    return _DECLARATION + _parameters(found, f" {_UWS}")


def job_results(found: Job, base: str) -> str:
    """Give the document of a job's results."""
    return _DECLARATION + _results(found, base, f" {_UWS}")


# For people

_STYLE = (
    "<style>:root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}"
    "body{margin:0 auto;max-width:60rem;padding:1rem}pre{overflow-x:auto;padding:.75rem;"
    "border:1px solid #8886;border-radius:.375rem}code{overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.25rem .5rem .25rem 0;text-align:left;"
    "border-bottom:1px solid #8886;vertical-align:top}.wide{overflow-x:auto}"
    "td code{white-space:nowrap}</style>"
)

_NONE = "<tr><td colspan=3>No table is published yet.</td></tr>"


def _published(schemas: Sequence[Schema]) -> list[tuple[Schema, Table]]:
    return [(s, t) for s in schemas if s.name != "tap_schema" for t in s.tables]


def _example_list(schemas: Sequence[Schema]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for schema, table in _published(schemas):
        full = f"{schema.name}.{table.name}"
        given = table.examples or {"The first rows": f"SELECT TOP 10 * FROM {full}"}
        found.extend((full, title, query) for title, query in given.items())
    found.append(
        (
            "tap_schema.tables",
            "Which tables there are",
            "SELECT table_name, description FROM tap_schema.tables",
        )
    )
    return found


def examples(schemas: Sequence[Schema]) -> str:
    """Give the DALI examples: XHTML with RDFa."""
    body = "".join(
        f'<div typeof="example" id="example{number}" resource="#example{number}">\n'
        f'<h2 property="name">{xml(title)} ({xml(full)})</h2>\n'
        f'<pre property="query">{xml(query)}</pre>\n'
        f'<p>Table: <code property="table">{xml(full)}</code></p>\n</div>\n'
        for number, (full, title, query) in enumerate(_example_list(schemas), 1)
    )
    return (
        f'{_DECLARATION}<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">'
        f'<head><meta charset="utf-8"/><title>Example queries</title>{_STYLE}</head>\n'
        f'<body vocab="http://www.ivoa.net/rdf/examples#">\n<h1>Example queries</h1>\n{body}'
        "</body></html>\n"
    )


def landing(schemas: Sequence[Schema], root: str, base: str) -> str:
    """Give the page that people see at the address of the TAP service."""
    rows = ""
    for schema, table in _published(schemas):
        full = f"{schema.name}.{table.name}"
        query = urlencode(
            {"LANG": "ADQL", "QUERY": f"SELECT TOP 50 * FROM {full}", "RESPONSEFORMAT": "html"}
        )
        rows += (
            f'<tr><td><a href="{xml(base)}/sync?{xml(query)}"><code>{xml(full)}</code></a></td>'
            f"<td>{table.rows}</td><td>{xml(table.description or table.title)}</td></tr>\n"
        )
    queries = "".join(
        f"<h3>{xml(title)}</h3><pre>{xml(query)}</pre>\n"
        for _, title, query in _example_list(schemas)
    )
    first = next(iter(_published(schemas)), None)
    name = f"{first[0].name}.{first[1].name}" if first else "tap_schema.tables"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>Table access</title>{_STYLE}</head><body>\n'
        f'<p><a href="{xml(root)}/">Open data</a></p>\n<h1>Table access (TAP)</h1>\n'
        "<p>Programs of the Virtual Observatory query the tables of this service with ADQL. In "
        f"TOPCAT choose VO &gt; Table Access Protocol and give this address:</p>\n<pre>{xml(base)}"
        "</pre>\n<p>In Python:</p>\n<pre>import pyvo\n"
        f'tap = pyvo.dal.TAPService("{xml(base)}")\n'
        f'tap.search("SELECT TOP 5 * FROM {xml(name)}").to_table()</pre>\n'
        '<h2>Tables</h2>\n<div class="wide"><table><thead><tr><th scope="col">Table</th>'
        '<th scope="col">Rows</th><th scope="col">What</th></tr></thead><tbody>\n'
        f"{rows or _NONE}</tbody></table></div>\n"
        f"<h2>Examples</h2>\n{queries}"
        f'<p><a href="{xml(base)}/tables">Description of all columns</a>, '
        f'<a href="{xml(base)}/capabilities">what the service can do</a></p>\n</body></html>\n'
    )
