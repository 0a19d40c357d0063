"""Pages for people: the front page of the TAP service, and example queries (DALI 1.1)."""

# ruff: noqa: S608 - the queries here are shown, not run

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lxml import etree
from lxml.builder import E, ElementMaker

from adqlite.tables.metadata import Schema, Table
from adqlite.xmltext import clean

_STYLE = (
    ":root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}"
    "body{margin:0 auto;max-width:60rem;padding:1rem}pre{overflow-x:auto;padding:.75rem;"
    "border:1px solid #8886;border-radius:.375rem}code{overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.25rem .5rem .25rem 0;text-align:left;"
    "border-bottom:1px solid #8886;vertical-align:top}.wide{overflow-x:auto}"
    "td code{white-space:nowrap}"
)
_XHTML = "http://www.w3.org/1999/xhtml"
_TAP_SCHEMA = "tap_schema.tables"


class _Example(NamedTuple):
    table: str
    title: str
    query: str


def _published(schemas: Sequence[Schema]) -> list[tuple[str, Table]]:
    return [(f"{s.name}.{t.name}", t) for s in schemas if s.name != "tap_schema" for t in s.tables]


def _examples(schemas: Sequence[Schema]) -> Iterable[_Example]:
    for full, table in _published(schemas):
        given = table.examples or {"The first rows": f"SELECT TOP 10 * FROM {full}"}
        for title, query in given.items():
            yield _Example(full, clean(title), clean(query))
    every = f"SELECT table_name, description FROM {_TAP_SCHEMA}"
    yield _Example(_TAP_SCHEMA, "All tables of this service", every)


def examples(schemas: Sequence[Schema]) -> bytes:
    """Returns the examples as XHTML with RDFa."""
    x = ElementMaker(namespace=_XHTML, nsmap={None: _XHTML})
    body = (
        x.div(
            x.h2(f"{example.title} ({example.table})", property="name"),
            x.pre(example.query, property="query"),
            x.p("Table: ", x.code(example.table, property="table")),
            typeof="example",
            id=f"example{number}",
            resource=f"#example{number}",
        )
        for number, example in enumerate(_examples(schemas), 1)
    )
    title = "Example queries"
    page = x.html(
        x.head(x.meta(charset="utf-8"), x.title(title), x.style(_STYLE)),
        x.body(x.h1(title), *body, vocab="http://www.ivoa.net/rdf/examples#"),
        lang="en",
    )
    content: bytes = etree.tostring(
        page, xml_declaration=True, encoding="UTF-8", doctype="<!DOCTYPE html>"
    )
    return content


def landing(schemas: Sequence[Schema], home: str, base: str) -> bytes:
    """Returns the page at the address of the TAP service.

    Parameters
    ----------
    schemas : sequence of Schema
    home : str
        Address of the site around the service; empty if there is none.
    base : str
        Address of the TAP service.
    """
    published = _published(schemas)
    first = published[0][0] if published else _TAP_SCHEMA
    python = (
        f'import pyvo\ntap = pyvo.dal.TAPService("{base}")\n'
        f'tap.search("SELECT TOP 5 * FROM {first}").to_table()'
    )
    queries = (
        part for _, title, query in _examples(schemas) for part in (E.h3(title), E.pre(query))
    )
    body = E.body(
        *([E.p(E.a("Open data", href=f"{home}/"))] if home else []),
        E.h1("Table access (TAP)"),
        E.p(
            "Virtual Observatory programs query the tables of this service with ADQL. In TOPCAT, "
            "choose VO > Table Access Protocol and enter this address:"
        ),
        E.pre(base),
        E.p("In Python:"),
        E.pre(python),
        E.h2("Tables"),
        E.div(_table_list(published, base), {"class": "wide"}),
        E.h2("Examples"),
        *queries,
        E.p(
            E.a("All tables and columns", href=f"{base}/tables"),
            ", ",
            E.a("capabilities of the service", href=f"{base}/capabilities"),
        ),
    )
    head = E.head(
        E.meta(charset="utf-8"),
        E.meta(name="viewport", content="width=device-width"),
        E.title("Table access"),
        E.style(_STYLE),
    )
    page: bytes = etree.tostring(
        E.html(head, body, lang="en"), method="html", encoding="UTF-8", doctype="<!DOCTYPE html>"
    )
    return page


def _table_list(published: Sequence[tuple[str, Table]], base: str) -> Any:
    rows = [_table_row(full, table, base) for full, table in published]
    if not rows:
        rows = [E.tr(E.td("No table has been published yet.", colspan="3"))]
    titles = (E.th(title, scope="col") for title in ("Table", "Rows", "Description"))
    return E.table(E.thead(E.tr(*titles)), E.tbody(*rows))


def _table_row(full: str, table: Table, base: str) -> Any:
    query = {"LANG": "ADQL", "QUERY": f"SELECT TOP 50 * FROM {full}", "RESPONSEFORMAT": "html"}
    link = E.a(E.code(full), href=f"{base}/sync?{urlencode(query)}")
    return E.tr(E.td(link), E.td(str(table.rows)), E.td(clean(table.description or table.title)))
