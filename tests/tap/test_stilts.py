"""STILTS, the command line of TOPCAT, as validator and as client."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from urllib.parse import urlencode

import pytest

from tests.commands import run

STILTS = shlex.split(os.environ.get("STILTS", "stilts"))
pytestmark = pytest.mark.skipif(
    shutil.which(STILTS[0]) is None,
    reason="needs STILTS: make tools, or a command in the variable STILTS",
)


def stilts(*words: str) -> str:
    done = run(*STILTS, *words, timeout=400)
    return done.stdout


def test_taplint_finds_nothing_but_missing_optional_tables(server):
    out = stilts("taplint", f"tapurl={server.url}/tap", "report=EWF")
    assert re.search(r"Totals: Errors: 0; Warnings: 0;", out), out
    failures = [line for line in out.splitlines() if line.startswith("F-")]
    # Tables of data models that a service of events does not have.
    assert all(re.match(r"F-(OBS|LOC)-NOTP", line) for line in failures), out


def test_tapquery_gets_the_published_events(server):
    out = stilts(
        "tapquery",
        f"tapurl={server.url}/tap",
        "sync=true",
        "ofmt=csv",
        "adql=SELECT id, nhit FROM ant20_01.main WHERE nhit>150 ORDER BY nhit DESC",
    )
    assert out.splitlines()[:2] == ["id,nhit", "ANT1157,263"]
    assert len(out.splitlines()) == 11


def test_coneskymatch_finds_the_published_events(server):
    # The input comes from the service too, so that STILTS may run where our files are not.
    position = "SELECT TOP 1 20.0 AS ra, 30.0 AS dec FROM ant20_01.main"
    query = urlencode({"LANG": "ADQL", "QUERY": position, "FORMAT": "votable/td"})
    out = stilts(
        "coneskymatch",
        f"serviceurl={server.url}/scs/ant20_01/main",
        f"in={server.url}/tap/sync?{query}",
        "ifmt=votable",
        "ra=ra",
        "dec=dec",
        "sr=2",
        "find=all",
        "ofmt=csv",
        "ocmd=keepcols ID",
        "usefoot=false",
    )
    assert out.split() == ["ID", "ANT5087", "ANT3659"]
