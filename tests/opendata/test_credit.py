"""Who made a record and who paid for it: identifiers, names, and what older records said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opendata.accounts.models import User
from opendata.records import publishing
from opendata.records.bylines import creators_of
from opendata.records.credit import Creator, Funding
from opendata.records.identifiers import funder, orcid, ror
from opendata.records.models import Immutable, Version
from opendata.records.publishing import Draft, Refused
from opendata.records.subjects import UAT, Subject

from .prepared import FIRST_RELEASE, prepared
from .records import HEADER, draft, drafted, published
from .running import run

#: Numbers of ORCID's own documentation, one with the check character X.
ORCIDS = ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"]
#: CNRS, INFN, FAU Erlangen-Nürnberg, CERN and Caltech, as ROR lists them.
RORS = ["02feahw73", "005ta0471", "00f7hpc57", "01ggx4157", "05dxps055"]


@pytest.mark.parametrize("known", ORCIDS)
@pytest.mark.parametrize("form", ["{}", "https://orcid.org/{}", "http://www.orcid.org/{}/", " {} "])
def test_every_notation_of_an_orcid_id_is_accepted(known: str, form: str) -> None:
    assert orcid(form.format(known)) == orcid(known.replace("-", "")) == known


@pytest.mark.parametrize("known", RORS)
@pytest.mark.parametrize("form", ["{}", "https://ror.org/{}", "ror.org/{}"])
def test_every_notation_of_a_ror_is_accepted(known: str, form: str) -> None:
    assert ror(form.format(known)) == ror(known.upper()) == f"https://ror.org/{known}"


@given(st.sampled_from(ORCIDS), st.integers(0, 15), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_orcid_id_is_noticed(known: str, place: int, digit: str) -> None:
    digits = known.replace("-", "")
    wrong = digits[:place] + digit + digits[place + 1 :]
    if wrong != digits:
        with pytest.raises(ValueError, match="is not an ORCID iD"):
            orcid(wrong)


@given(
    st.sampled_from(RORS), st.integers(1, 8), st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz")
)
def test_one_wrong_character_of_a_ror_is_noticed(known: str, place: int, other: str) -> None:
    wrong = known[:place] + other + known[place + 1 :]
    if wrong != known:
        with pytest.raises(ValueError, match="is not a ROR identifier"):
            ror(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000-0002-1825-009",
        "0000-0002-1825-00977",
        "0000000121032683",  # a right ISNI, which is no ORCID iD
        "https://isni.org/isni/0000000218250097",
        "\u0660\u0660\u0660\u0660-0002-1825-0097",
        "Jane Doe",
    ],
)
def test_an_invalid_orcid_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ORCID iD"):
        orcid(text)


def test_a_funder_is_known_by_ror_or_by_crossrefs_registry() -> None:
    # European Commission, in both.
    assert funder("00k4n6c32") == "https://ror.org/00k4n6c32"
    assert funder("doi:10.13039/501100000780") == "https://doi.org/10.13039/501100000780"
    assert funder("https://dx.doi.org/10.13039/501100000780").endswith("501100000780")
    for wrong in ("10.5072/501100000780", "10.13039/x", "00k4n6c33", "https://example.org/"):
        with pytest.raises(ValueError, match="is n"):
            funder(wrong)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "needs a name"),
        ({"kind": "person"}, "needs a name"),
        ({"kind": "person", "family": "Doe", "ror": RORS[0]}, "affiliation"),
        ({"kind": "organisation", "name": "X", "orcid": ORCIDS[0]}, "no ORCID"),
        ({"name": "X", "roles": ["Cook"]}, "not a CRediT role"),
        ({"name": "X", "affiliations": [{"name": ""}]}, "at least 1 character"),
        ({"name": "X", "affiliations": [{"name": "Y", "ror": "02feahw74"}]}, "checksum"),
        ({"name": "X\x07"}, "control character"),
        ({"name": "X", "age": 3}, "not permitted"),
    ],
)
def test_invalid_creators_are_reported(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Creator.model_validate(said)


def test_every_notation_of_a_credit_role_is_accepted() -> None:
    forms = ["data curation", "https://credit.niso.org/contributor-roles/writing-review-editing/"]
    assert Creator.model_validate({"kind": "Organizational", "name": "X"}).kind == "organisation"
    made = Creator(name="X", roles=[*forms, "Writing - review and editing", "Data Curation"])
    assert made.roles == ["Data curation", "Writing – review & editing"]  # noqa: RUF001


P, O = "person", "organisation"  # noqa: E741


#: What authors' texts are made of.
PIECES = [
    *("Doe", "Jane", "A.", "van der", "Collaboration", "KM3NeT", "(INFN)", "et al.", "Jr.", "Ünal"),
    *(" ", " ", " ", ", ", "; ", " and ", " & ", " for the "),
]


@pytest.mark.parametrize(
    ("text", "kinds", "names"),
    [
        ("ANTARES Collaboration", [O], ["ANTARES Collaboration"]),
        ("The KM3Net collaboration", [O], ["The KM3Net collaboration"]),
        ("KM3NeT and ANTARES Collaborations", [O], ["KM3NeT and ANTARES Collaborations"]),
        (
            "ANTARES Collaboration and KM3NeT Collaboration",
            [O, O],
            ["ANTARES Collaboration", "KM3NeT Collaboration"],
        ),
        ("Institute of Physics and Astronomy", [O], ["Institute of Physics and Astronomy"]),
        ("Margiotta, Annarita", [P], ["Margiotta, Annarita"]),
        ("Annarita Margiotta", [P], ["Margiotta, Annarita"]),
        ("Eric Esa Auger", [P], ["Auger, Eric Esa"]),
        ("Doe, Jane; Roe, Richard;", [P, P], ["Doe, Jane", "Roe, Richard"]),
        ("Doe, Jane and Roe, Richard", [P, P], ["Doe, Jane", "Roe, Richard"]),
        ("Jane Doe and Richard Roe", [P, P], ["Doe, Jane", "Roe, Richard"]),
        ("Jane Doe\nRichard Roe", [P, P], ["Doe, Jane", "Roe, Richard"]),
        ("A. Albert, M. André & Th. Eberl", [P] * 3, ["Albert, A.", "André, M.", "Eberl, Th."]),
        ("Albert, A., André, M.", [P, P], ["Albert, A.", "André, M."]),
        ("Carlos Pérez de los Heros", [P], ["de los Heros, Carlos Pérez"]),
        ("van der Berg, Jan; D'Amato, C.", [P, P], ["van der Berg, Jan", "D'Amato, C."]),
        (
            "Jane Doe on behalf of the KM3NeT Collaboration",
            [P, O],
            ["Doe, Jane", "KM3NeT Collaboration"],
        ),
        # These are not clear and stay as they are.
        ("García Márquez, Gabriel José", [None], None),
        ("generated for demonstration", [None], None),
        ("Me", [None], None),
        ("Albert et al.", [None], None),
        ("A. Albert and others", [None], None),
        ("Smith, Jr., John", [None], None),
        ("山田 太郎", [None], None),
        ("Jane Doe <jane@example.org>", [None], None),
        ("Jane Doe, University of Bologna", [None], None),
        ("Jane Doe (0000-0002-1825-0098)", [None], None),
        ("", [], []),
        (" ; ;", [], []),
    ],
)
def test_authors_of_one_text_become_people_and_organisations(
    text: str, kinds: list[str | None], names: list[str] | None
) -> None:
    found = creators_of(text)
    assert [creator.kind for creator in found] == kinds
    assert [creator.name for creator in found] == ([text] if names is None else names)


def test_orcid_ids_and_affiliations_in_the_text_are_read() -> None:
    jane, john = creators_of(f"Jane Doe ({ORCIDS[2]}); Roe, John (INFN Bologna)")
    assert (jane.name, jane.orcid) == ("Doe, Jane", ORCIDS[2])
    assert [item.name for item in john.affiliations] == ["INFN Bologna"]


@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_no_letter_of_an_authors_text_is_lost(text: str) -> None:
    creators = creators_of(text)
    # What is kept is read again as it was.
    assert [Creator.model_validate(creator.plain()) for creator in creators] == creators
    names = [[item.name, *(a.name for a in item.affiliations)] for item in creators]
    found = "; ".join(name for group in names for name in group)
    # Only what stands between names goes.
    between = re.compile(r"\b(and|on behalf of|for( the)?)\b")
    kept, given = (sorted(filter(str.isalnum, between.sub("", said))) for said in (found, text))
    assert kept == given


def test_older_databases_get_creators_and_nothing_else_changes(tmp_path: Path) -> None:
    variables = prepared(tmp_path, FIRST_RELEASE)
    texts = ["ANTARES Collaboration", "Doe, Jane; Roe, Richard", "Albert et al.", None, 17, ["x"]]
    made = (
        "import json; from django.core.management import call_command; "
        "from django.db import connection; from django.db.migrations.loader import "
        "MigrationLoader; apps = MigrationLoader(connection).project_state(('records', "
        "'0002_curation')).apps; R = apps.get_model('records', 'Record'); "
        "V = apps.get_model('records', 'Version'); "
    )
    fill = "".join(
        f"V.objects.create(record=R.objects.create(identifier='r{n}'), number=1, title='T', "
        f"ktype='km3.data.l4', state='published', metadata={{'header': {{'author': {text!r}}}}}); "
        for n, text in enumerate(texts)
    )
    show = (
        "print('>>' + json.dumps(list(V.objects.order_by('pk').values()), default=str), flush=True)"
    )

    upgrade = "; call_command('migrate', 'records', '0003', verbosity=0); "
    finish = (
        "; call_command('migrate', verbosity=0); from opendata.records.models import Version as V; "
    )
    steps = fill + show + upgrade + show + finish + show
    printed = run(variables, "django", "shell", "-v", "0", "-c", made + steps)
    before, after, now = (json.loads(line[2:]) for line in printed.splitlines() if line[:2] == ">>")
    assert before == after
    assert [row["creators"] for row in now] == [
        [{"kind": "organisation", "name": "ANTARES Collaboration"}],
        [
            {"kind": "person", "name": "Doe, Jane", "family": "Doe", "given": "Jane"},
            {"kind": "person", "name": "Roe, Richard", "family": "Roe", "given": "Richard"},
        ],
        [{"name": "Albert et al."}],
        [],
        [{"name": "17"}],
        [],
    ]


CREATORS = [
    {
        "kind": "person",
        "family": "Hernández-Rey",
        "given": "Juan José",
        "orcid": ORCIDS[0],
        "affiliations": [{"name": "CNRS", "ror": RORS[0]}],
        "roles": ["Software"],
    },
    {"kind": "organisation", "name": "KM3NeT Collaboration"},
]


def test_older_clients_read_and_write_authors_as_one_text(
    curators_web: Client, curator: User
) -> None:
    version = drafted(curator, creators=CREATORS, funding=[{"funder": "CNRS"}])
    read = curators_web.get("/api/v1/records/cnt24_01/draft/").json()
    assert read["authors"] == "Hernández-Rey, Juan José; KM3NeT Collaboration"
    assert read["metadata"]["header"]["author"] == read["authors"]
    assert read["creators"][0]["orcid"] == ORCIDS[0]
    old = draft(metadata=read["metadata"], title="Counts anew")
    path, kind = "/api/v1/records/cnt24_01/draft/", "application/json"
    assert curators_web.put(path, old, content_type=kind).status_code == 200
    version.refresh_from_db()
    assert (version.title, version.people[0].orcid) == ("Counts anew", ORCIDS[0])
    assert version.grants == [Funding(funder="CNRS")]
    old["metadata"]["header"]["author"] = "Doe, Jane"
    curators_web.put(path, old, content_type=kind)
    version.refresh_from_db()
    assert version.creators == [
        {"kind": "person", "name": "Doe, Jane", "family": "Doe", "given": "Jane"}
    ]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"creators": [{"name": "X", "orcid": "0000-0002-1825-0098"}]}, "creators.0.orcid"),
        ({"creators": [CREATORS[0], CREATORS[0]]}, "same ORCID iD"),
        ({"funding": [{"funder": "X", "funder_identifier": "x"}]}, "funder_identifier"),
        ({"funding": [{"funder": "X", "award_uri": "javascript:alert(1)"}]}, "award_uri"),
        ({"subjects": [{"term": ""}]}, "subjects.0.term"),
        ({"issued": "2018-13"}, "issued"),
        ({"issued": "2018-02-30"}, "issued"),
        ({"title": "Cou\x0bnts"}, "title"),
        ({"description": "\ud800"}, ""),
        ({"metadata": {"header": {"author": "\ud800"}}}, "metadata.header.author"),
        ({"metadata": {"x": [{"y\x00": 1}]}}, "metadata.x.0"),
        ({"label": "\u0661.\u0660"}, "label"),
    ],
)
def test_the_interface_says_which_field_is_wrong(
    curators_web: Client, said: dict[str, object], place: str
) -> None:
    sent = {"record": {"identifier": "x_01"}, "draft": draft(**said)}
    answer = curators_web.post("/api/v1/drafts/", json.dumps(sent), content_type="application/json")
    assert answer.status_code == 400
    assert place in answer.content.decode()


def test_labels_that_mean_the_same_are_one(curator: User, reviewer: User) -> None:
    first = published(curator, reviewer)
    with pytest.raises(Refused, match=r"version 1\.0 already exists"):
        publishing.new_version(first.record, Draft(**draft(label="1")), curator)
    assert publishing.label_number("1.10") > publishing.label_number("1.9")


def test_a_new_version_begins_with_the_credit_of_the_one_before(
    curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer, creators=CREATORS, subjects=[{"term": "Blazars"}])
    second = publishing.next_version(first.record, curator)
    assert (second.creators, second.subjects) == (first.creators, first.subjects)
    assert HEADER.items() <= second.metadata["header"].items()
    first.creators = []
    with pytest.raises(Immutable):
        first.save()
    assert Version.objects.get(pk=first.pk).creators == second.creators


def test_terms_of_the_thesaurus_get_their_addresses() -> None:
    # Numbers of the Unified Astronomy Thesaurus 5.1.0.
    assert Subject(term="Neutrino astronomy").uri == "http://astrothesaurus.org/uat/1100"
    assert (UAT["Cosmic rays"], UAT["Astronomy databases"], UAT["Blazars"]) == (329, 83, 164)
    assert Subject(term="ocean acoustics").scheme is None
