"""The contract between client and server holds, or says where it is broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("pydantic", reason="needs pydantic: run it in the science environment")
pytest.importorskip("numpy", reason="needs numpy: run it in the science environment")

import itertools

from openkm3.catalogue import FORMAT, VERSION, Catalogue, json_schema
from openkm3.errors import CatalogueError, UnknownIdentifier


def entry(identifier: str, **more: Any) -> dict[str, Any]:
    base = {"title": "t", "kind": "resource", "ktype": "km3.resource"}
    return {"identifier": identifier} | base | more


def group(identifier: str, *children: str) -> dict[str, Any]:
    return entry(identifier, kind="collection", ktype="km3.collection", children=list(children))


def parse(*entries: dict[str, Any], **more: Any) -> Catalogue:
    content = {"format": FORMAT, "version": VERSION, "entries": list(entries)} | more
    return Catalogue.parse(json.dumps(content))


def test_a_catalogue_survives_its_own_document() -> None:
    catalogue = parse(group("a", "a_b"), entry("a_b", aliases=["old"], sha256="0" * 64, size=3))
    assert Catalogue.parse(catalogue.dump()) == catalogue
    assert catalogue["old"].identifier == "a_b"
    assert [e.identifier for e in catalogue.children("a")] == ["a_b"]
    assert [e.identifier for e in catalogue.collections()] == ["a"]


def test_collections_within_collections_are_not_listed_at_the_top() -> None:
    catalogue = parse(group("top", "part"), group("part"))
    assert [e.identifier for e in catalogue.collections()] == ["top"]


def test_unknown_fields_and_newer_minor_versions_are_read() -> None:
    catalogue = parse(entry("a", colour="blue"), version="1.99", more={"x": 1})
    assert "a" in catalogue


def test_an_unknown_identifier_suggests_what_exists() -> None:
    with pytest.raises(UnknownIdentifier) as caught:
        parse(entry("ana20_01_acc"))["ana20_01_ac"]
    assert str(caught.value) == (
        "The catalogue has no entry 'ana20_01_ac'; did you mean ana20_01_acc?"
    )


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("a"), entry("a")], "a is used twice"),
        ([entry("a"), entry("b", aliases=["a"])], "a is used twice"),
        ([group("a", "b")], "a names the part b, but there is no such entry"),
        ([group("a", "a")], "part of itself"),
        ([group("a", "b"), group("b", "c"), group("c", "a")], "part of itself"),
        ([entry("a", children=["b"]), entry("b")], "has children"),
        ([entry("../../etc/passwd")], "entries.0.identifier"),
        ([entry("a", filename="../x")], "not a plain file name"),
        ([entry("a", filename=".bashrc")], "not a plain file name"),
        ([entry("a", url="file:///etc/passwd")], "not a web address"),
        ([entry("a", url="javascript:alert(1)")], "not a web address"),
        ([entry("a", url="http:///x")], "not a web address"),
        ([entry("a", url="x y")], "control characters"),
        ([entry("a", sha256="abc")], "entries.0.sha256"),
        ([entry("a", size=-1)], "entries.0.size"),
        ([entry("a", kind="thing")], "entries.0.kind"),
        ([{"identifier": "a"}], "entries.0.title"),
    ],
)
def test_a_broken_rule_is_named(entries: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(CatalogueError, match=words):
        parse(*entries)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "has no format"),
        (b'{"entries": []}', "has no format"),
        (b'{"format": "openkm3-catalogue", "version": "2.0"}', "install a newer openkm3"),
    ],
)
def test_other_documents_are_refused(content: bytes, words: str) -> None:
    with pytest.raises(CatalogueError, match=words):
        Catalogue.parse(content)


def test_a_deep_catalogue_is_accepted() -> None:
    names = [f"c{number}" for number in range(5000)]
    chain = [group(a, b) for a, b in itertools.pairwise(names)]
    assert len(parse(*chain, group(names[-1])).entries) == 5000


def test_the_contract_is_a_json_schema() -> None:
    schema = json_schema()
    assert {"format", "version", "entries"} <= set(schema["properties"])
    assert "Entry" in schema["$defs"]
