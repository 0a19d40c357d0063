"""Search as people type: plurals, hyphens, quotes, accents, names, typing errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opendata.accounts.models import User
from opendata.records import publishing
from opendata.records.models import Record
from opendata.records.publishing import Draft, NewRecord
from opendata.searching import index
from opendata.searching.words import folded, stem, tokens

from .postgresql import HOW_TO, cluster, programs
from .prepared import FIRST_RELEASE, MIGRATE, prepared
from .records import ECSV, HEADER, draft
from .running import Server, environment, run, serve

#: Identifier, title, description, author, DOI of records that a search has to tell apart.
RECORDS = [
    ("ps17_01", "Point-source neutrinos", "Events of the search for point sources.", "", ""),
    ("aeff20_01", "Effective areas of ORCA6", "The effective area at energies of GeV.", "", ""),
    ("mm22_01", "Multi-messenger alerts", "Kepler's nebulae and spectra.", "", "10.5072/FK2/AB1"),
    ("mm22_02", "Follow-up", "Multimessenger data of ARCA 21.", "Müller, Zoë", "10.5072/FK2/AB12"),
    ("snd21_01", "Acoustic data", "Sounds recorded at Café-Rhône, neutrino site.", "Łoś, Jan", ""),
    ("area_of_effect", "Other", "An area where a cut is effective.", "", ""),
]


def _publish(
    curator: User, reviewer: User, row: tuple[str, str, str, str, str]
) -> publishing.Version:
    identifier, title, description, author, doi = row
    header = HEADER | ({"author": author} if author else {})
    said = draft(
        title=title,
        description=description,
        doi=doi,
        ktype="km3.resource.software",
        metadata={"ktype": "km3.resource.software", "header": header | {"instrument": "X"}},
        url="https://example.org/x",
    )
    version = publishing.create(NewRecord(identifier=identifier), Draft(**said), curator)
    publishing.submit(version, curator)
    return publishing.approve(version, reviewer)


@pytest.fixture
def records(curator: User, reviewer: User) -> None:
    for row in RECORDS:
        _publish(curator, reviewer, row)


def _search(web: Client, text: str) -> dict[str, Any]:
    answer = web.get(f"/api/v1/search/?q={quote(text)}")
    assert answer.status_code == 200, text
    assert web.get(f"/search?q={quote(text)}").status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def _found(web: Client, text: str) -> list[str]:
    return [row["identifier"] for row in _search(web, text)["results"]]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        # plural and singular, English and Latin
        ("neutrino", {"ps17_01", "snd21_01"}),
        ("neutrinos", {"ps17_01", "snd21_01"}),
        ("acoustics", {"snd21_01"}),
        ("energy", {"aeff20_01"}),
        ("spectrum", {"mm22_01"}),
        ("nebula", {"mm22_01"}),
        # hyphens of all kinds, and none
        ("point source", {"ps17_01"}),
        ("point-source", {"ps17_01"}),
        ("point‑sources", {"ps17_01"}),  # noqa: RUF001
        ("multi-messenger", {"mm22_01", "mm22_02"}),
        ("multimessenger", {"mm22_01", "mm22_02"}),
        # quotes
        ('"effective area"', {"aeff20_01"}),
        ("“effective area”", {"aeff20_01"}),
        ("effective area", {"aeff20_01", "area_of_effect"}),
        ('"area effective"', set()),
        ('effective "area', {"aeff20_01", "area_of_effect"}),
        # accents, with and without, in both
        ("cafe rhone", {"snd21_01"}),
        ("Café", {"snd21_01"}),
        ("muller", {"mm22_02"}),
        ("Zoë Müller", {"mm22_02"}),
        ("zoe\u0308", {"mm22_02"}),
        ("Los", {"snd21_01"}),
        # names with numbers, genitives, function words
        ("ORCA 6", {"aeff20_01"}),
        ("orca6", {"aeff20_01"}),
        ("orca", {"aeff20_01"}),
        ("ARCA21", {"mm22_02"}),
        ("Kepler", {"mm22_01"}),
        ("kepler’s", {"mm22_01"}),  # noqa: RUF001
        ("the search of point sources", {"ps17_01"}),
        ("neutrino AND acoustic", {"snd21_01"}),
        # identifiers and DOIs
        ("aeff20_01", {"aeff20_01"}),
        ("aeff20", {"aeff20_01"}),
        ("area_of_effect", {"area_of_effect"}),
        ("km3.resource.software", {row[0] for row in RECORDS}),
        ("10.5072/FK2/AB1", {"mm22_01"}),
        ("doi:10.5072/fk2/ab12", {"mm22_02"}),
        ("https://doi.org/10.5072/FK2/AB12", {"mm22_02"}),
        # beginnings of words, where no word is so
        ("neutr", {"ps17_01", "snd21_01"}),
        ("multimess", {"mm22_02", "mm22_01"}),
        ("xyzzy", set()),
        ("***", set()),
    ],
)
def test_a_query_finds_what_a_person_means(
    web: Client, records: None, text: str, right: set[str]
) -> None:
    assert set(_found(web, text)) == right


def test_a_title_counts_more_than_a_description(web: Client, records: None) -> None:
    assert _found(web, "neutrino") == ["ps17_01", "snd21_01"]
    assert _found(web, "multimessenger")[0] == "mm22_01"
    assert _found(web, "effective area")[0] == "aeff20_01"
    by_name = web.get("/api/v1/search/?q=neutrino&ordering=-identifier").json()["results"]
    assert [row["identifier"] for row in by_name] == ["snd21_01", "ps17_01"]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("nuetrino", "neutrino"),
        ("acustic", "acoustic"),
        ("efective area", "effective area"),
        ("spektra", "spectra"),
        ("mesenger", "messenger"),
        ('"area effective"', "area effective"),
    ],
)
def test_a_typing_error_is_answered_with_what_was_meant(
    web: Client, records: None, text: str, right: str
) -> None:
    found = _search(web, text)
    assert found["count"] == 0
    better = found["did_you_mean"]
    assert _found(web, better) == _found(web, right) != []
    page = web.get(f"/search?q={quote(text)}").content.decode()
    assert "Did you mean" in page
    assert _search(web, "neutrino")["did_you_mean"] is None
    # No record has both words, and one of them was misspelt.
    assert _search(web, "nuetrino nebula")["did_you_mean"] == "neutrino"


def test_an_empty_result_says_which_words_are_nowhere(web: Client, records: None) -> None:
    page = web.get("/search?q=neutrino+qqqqzz&kind=resource").content.decode()
    assert "No record contains <strong>qqqqzz</strong>" in page
    assert 'href="?q=neutrino"' in page
    assert "Search again without filters" in page
    page = web.get("/search?q=kepler+acoustic").content.decode()
    assert "No record contains all of these words" in page


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(alphabet=st.sampled_from("ab\"'-*()^:|&!<>~{}[]+,.;/\\%_ äNOT OR\0\u00ad"), max_size=30)
)
def test_nothing_that_is_typed_is_an_error(web: Client, records: None, text: str) -> None:
    index.find(Record.objects.all(), index.terms_of(text)).count()


@pytest.mark.parametrize(
    "text", ['"', '""', "NEAR(a b)", "title:x", "a:*", "-", "AND", "(", "*", "\\"]
)
def test_operators_of_the_databases_are_only_letters(web: Client, records: None, text: str) -> None:
    assert _search(web, text)["count"] >= 0


def test_the_index_follows_publication_new_versions_and_withdrawal(
    web: Client, curator: User, reviewer: User
) -> None:
    row = RECORDS[0]
    draft_only = publishing.create(
        NewRecord(identifier="new24_01"), Draft(**draft(title="Quasars")), curator
    )
    assert _found(web, "quasar") == []
    publishing.discard(draft_only, curator)
    first = _publish(curator, reviewer, row)
    second = publishing.next_version(first.record, curator, "new title")
    said = {name: getattr(second, name) for name in Draft.model_fields}
    publishing.change(second, Draft(**said | {"title": "Blazars"}), curator)
    assert _found(web, "blazar") == []
    publishing.submit(second, curator)
    publishing.approve(second, reviewer)
    assert (_found(web, "blazar"), _found(web, "point-source neutrinos")) == (["ps17_01"], [])
    publishing.withdraw(second, reviewer, "Wrong.")
    assert (_found(web, "blazar"), _found(web, "neutrino")) == ([], ["ps17_01"])
    publishing.withdraw(first, reviewer, "Wrong, too.")
    assert _found(web, "neutrino") == []
    assert _search(web, "nuetrino")["did_you_mean"] is None


def test_the_index_can_be_rebuilt(web: Client, records: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM searching_index")
    assert _found(web, "neutrino") == []
    assert index.fill() == len(RECORDS)
    assert _found(web, "neutrino") == ["ps17_01", "snd21_01"]
    # A portal of before, which searched less.
    Record.objects.filter(identifier="mm22_02").update(text="")
    assert index.fill() == len(RECORDS)
    assert _found(web, "muller") == []
    assert index.renew() == len(RECORDS)
    assert _found(web, "muller") == ["mm22_02"]


def test_words_are_folded_as_unicode_says() -> None:
    assert folded("Straße ÉTÉ ﬁt Łódź Ærø m²") == "strasse ete fit lodz aero m2"
    assert tokens("Kepler’s so\u00adlar") == ["kepler", "solar"]  # noqa: RUF001
    # The vocabulary of Snowball's own test data (english/voc.txt, english/output.txt).
    pairs = {"consistency": "consist", "knackeries": "knackeri", "conspicuous": "conspicu"}
    assert {word: stem(word) for word in pairs} == pairs


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """The same records with SQLite and with PostgreSQL."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install opendata[postgresql]")
    if programs() is None:
        pytest.skip(HOW_TO)
    servers = []
    with cluster() as url:
        for name, database in (("lite", ""), ("post", url)):
            variables = environment(tmp_path_factory.mktemp(name)) | {"DATABASE_URL": database}
            run(variables, "migrate")
            run(variables, "import", "testdata")
            servers.append(variables)
        with serve(servers[0]) as lite, serve(servers[1]) as post:
            yield lite, post


def test_both_databases_find_the_same(both: tuple[Server, Server]) -> None:
    lite, post = both
    queries = [
        "neutrino",
        "neutrinos",
        "events ORCA",
        '"ORCA events"',
        "test20_01",
        "km3net-testdata",
        "simulated data",
        "analysis sample",
        "basic-analysis",
        "orca4",
        "offl",
        "the events of ORCA",
        "nuetrino",
        "evnts",
        "10.5281/zenodo",
        "&|!:*",
    ]
    for text in queries:
        answers = [server.get(f"/api/v1/search/?q={quote(text)}").json() for server in both]
        found = [
            (sorted(row["identifier"] for row in answer["results"]), answer["did_you_mean"])
            for answer in answers
        ]
        assert found[0] == found[1], text
    everything = json.loads(lite.get("/api/v1/search/?q=testdata").text)
    assert everything["count"] > 0
    assert "records were indexed" in run(post.variables, "reindex")


def test_a_portal_of_before_gets_its_index_by_the_migration(tmp_path: Path) -> None:
    variables = prepared(tmp_path, MIGRATE)
    path = tmp_path / "counts.ecsv"
    path.write_bytes(ECSV)
    options = ["--identifier", "cnt24_01", "--title", "Neutrino counts"]
    run(variables, "import", "file", str(path), *options, "--accept-findings", "a test")
    run(variables, "django", "migrate", "searching", "zero")
    run(variables, "migrate")
    with serve(variables) as server:
        assert server.get("/api/v1/search/?q=neutrinos").json()["count"] == 1


def test_the_upgrade_of_a_portal_finds_records_by_what_it_knows_of_them_now(
    tmp_path: Path,
) -> None:
    # "Neutrino astronomy" is what the Unified Astronomy Thesaurus calls events of a neutrino
    # telescope; no text of this record, which the first released portal published, says it.
    variables = prepared(tmp_path, FIRST_RELEASE)
    publish = (
        "from django.db import connection; from django.db.migrations.loader import "
        "MigrationLoader; apps = MigrationLoader(connection).project_state(('records', "
        "'0002_curation')).apps; "
        "r = apps.get_model('records', 'Record').objects.create(identifier='cnt24_01', title='T'); "
        "r.current = apps.get_model('records', 'Version').objects.create(record=r, number=1, "
        "title='T', ktype='km3.data.l3.events', state='published', metadata={'header': {'author': "
        "'Margiotta, Annarita (University of Bologna); KM3NeT Collaboration'}}); r.save()"
    )
    run(variables, "django", "shell", "-v", "0", "-c", publish)
    with serve(variables, "--migrate") as server:
        for asked in ("neutrino+astronomy", "bologna", "margiotta", "cnt24_01"):
            found = server.get(f"/api/v1/search/?q={asked}").json()["results"]
            assert [row["identifier"] for row in found] == ["cnt24_01"], asked
