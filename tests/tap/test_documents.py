"""XML documents are well-formed and say the same whatever text they contain."""

# ruff: noqa: S608, RUF001 - queries and letters of any kind are what is tested

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import Any

import pytest
from astropy.io.votable import parse
from hypothesis import given
from hypothesis import strategies as st

from adqlite import Limits, Schema, Table, TableColumn
from adqlite.formats.votable import cone_error_document, error_document
from adqlite.http import pages, uws, vosi
from adqlite.jobs.job import COMPLETED, ERROR, Job

TEXT = "a <b> & \"c\" 'd' ]]> é Δ 𝛼\r\n\x00\x1f\ud800\uffff"
#: What XML can hold of it (https://www.w3.org/TR/xml/#charsets).
SHOWN = "a <b> & \"c\" 'd' ]]> é Δ 𝛼\r\n\ufffd\ufffd\ufffd\ufffd"
SCHEMA = Schema(
    name="s",
    title=TEXT,
    description=TEXT,
    tables=(
        Table(
            name="t",
            description=TEXT,
            utype=TEXT,
            columns=(
                TableColumn(name="x", datatype="int", description=TEXT, ucd=TEXT, xtype=TEXT),
            ),
            examples={TEXT: f"SELECT '{TEXT}' FROM s.t"},
        ),
    ),
)


def parsed(document: bytes) -> Any:
    return ET.fromstring(document)  # noqa: S314 - our own


def texts(root: Any) -> list[str]:
    return [item.text for item in root.iter() if item.text and item.text.strip()]


@pytest.mark.parametrize("make", [error_document, cone_error_document])
def test_an_error_document_keeps_its_message(make: Any) -> None:
    info = parse(io.BytesIO(make(TEXT))).resources[0].infos[0]
    assert (info.value, info.content) == ("ERROR", SHOWN)


@given(message=st.text())
def test_any_message_makes_a_well_formed_document(message: str) -> None:
    assert parsed(error_document(message)).tag.endswith("}VOTABLE")
    assert parsed(cone_error_document(message))[0].get("name") == "Error"


def test_descriptions_of_tables_keep_their_text() -> None:
    for document in (
        vosi.tableset([SCHEMA], detail=True),
        vosi.one_table(SCHEMA, SCHEMA.tables[0]),
    ):
        assert SHOWN in texts(parsed(document))
    brief = parsed(vosi.tableset([SCHEMA], detail=False))
    assert not list(brief.iter("column"))


def test_pages_show_text_and_no_markup() -> None:
    assert f"SELECT '{SHOWN}' FROM s.t" in texts(parsed(pages.examples([SCHEMA])))
    page = pages.landing([SCHEMA], "https://a.b", "https://a.b/tap").decode()
    assert "<b>" not in page
    assert "a &lt;b&gt; &amp;" in page


@pytest.mark.parametrize("phase", ["PENDING", COMPLETED, ERROR])
def test_a_job_keeps_its_parameters_and_its_error(phase: str) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    job = Job("id", phase, TEXT, {"QUERY": TEXT}, now, None, None, now, 60, TEXT, "text/csv")
    uws_ = "{http://www.ivoa.net/xml/UWS/v1.0}"
    root = parsed(uws.job(job, "http://x/tap/async/id"))
    assert root.findtext(f"{uws_}runId") == SHOWN
    assert root.findtext(f"{uws_}creationTime") == "2026-01-02T03:04:05.000Z"
    assert root.findtext(f".//{uws_}parameter[@id='QUERY']") == SHOWN
    start = root.find(f"{uws_}startTime")
    assert start.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"
    assert (root.findtext(f"{uws_}errorSummary/{uws_}message") == SHOWN) == (phase == ERROR)
    result = root.find(f".//{uws_}result")
    assert (result is not None) == (phase == COMPLETED)
    if result is not None:
        assert result.get("{http://www.w3.org/1999/xlink}href") == (
            "http://x/tap/async/id/results/result"
        )


def test_capabilities_give_the_limits() -> None:
    limits = Limits(rows=7, default_rows=5)
    root = parsed(vosi.tap_capabilities("http://x/tap?a=1&b=<2>", limits))
    assert root.findtext(".//outputLimit/hard") == "7"
    assert root.findtext(".//outputLimit/default") == "5"
    assert root.findtext(".//accessURL") == "http://x/tap?a=1&b=<2>"
