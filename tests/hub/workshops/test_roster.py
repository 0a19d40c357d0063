"""Rosters as organisers have them: from spreadsheets, from Indico, typed by hand, and broken."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km3hub.workshops.roster import LARGEST, RosterError, read_roster


def read(text: str | bytes) -> list[tuple[str, str, str, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(p.name, p.email, p.account, p.role) for p in read_roster(data, "roster.csv").people]


ADA = ("Ada Lovelace", "ada@example.org", "", "participant")
BOB = ("Bob", "bob@example.org", "", "teacher")
LINES = (
    "Full name{s}E-Mail{s}Role\nAda Lovelace{s}Ada@Example.org{s}\n"
    "Bob{s}bob@example.org{s}Teacher\n"
)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write(separator: str, encoding: str, ending: str) -> None:
    text = LINES.format(s=separator).replace("\n", ending)
    assert read(text.encode(encoding)) == [ADA, BOB]


def test_empty_lines_and_surplus_columns_are_skipped() -> None:
    text = (
        "\n,,,\nFirst name,Last name,Affiliation,email\n\n"
        "Ada, Lovelace ,KM3NeT,ada@example.org\n,,,\n"
    )
    roster = read_roster(text.encode(), "roster.csv")
    assert [(p.name, p.email) for p in roster.people] == [("Ada Lovelace", "ada@example.org")]
    assert roster.ignored == ("'Affiliation'",)
    # As an editor numbers the lines.
    assert roster.people[0].line == 5


def test_a_quoted_cell_may_contain_the_separator_and_a_line_break() -> None:
    assert read('name,email\n"Lovelace,\nAda",ada@example.org\nBob,\n') == [
        ("Lovelace, Ada", "ada@example.org", "", "participant"),
        ("Bob", "", "", "participant"),
    ]


def test_names_in_all_scripts() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    names = ["Łukasz Żółć", "Νεφέλη", "田中 太郎", persian, "O'Brien-Smith"]
    assert [name for name, *_ in read("name\n" + "\n".join(names))] == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n;;\n", "is empty"),
        ("name,email\n", "lists nobody"),
        ("Ada,Lovelace\nBob,Noyce\n", "none of the headings"),
        ("name,full name\nAda,Ada\n", "two columns for 'name'"),
        ("name,email\nAda,ada@example\n", "line 2: 'ada@example' is not an e-mail address"),
        ("name,email\nAda,ada@example.org bob@example.org\n", "line 2"),
        ("name\nAda\nADA\n", "line 3: the name 'ADA' is that of line 2, too"),
        ("name\nAda\n\uff21da\n", "line 3"),  # A as a full-width letter
        ("email\na@b.org\n\nA@B.ORG\n", "line 4: the e-mail address 'a@b.org' is that of line 2"),
        ("account\nada\nAda\n", "line 3: the account 'ada' is that of line 2"),
        ("account\nada lovelace\n", "line 2: 'ada lovelace' is not a valid account name"),
        ("account\n../etc\n", "line 2: '../etc' is not a valid account name"),
        ("name,email,role\nAda,,admin\n", "line 2: the role is 'admin'"),
        ("name,email\n,,\nAda,ada@example.org,x\n", "line 3: has 3 cells instead of 2"),
        ("name,role\n,teacher\n", "line 2: has no name, e-mail address or account"),
        ("name\nAda\x1b[31m\n", "line 2: 'Ada?[31m' contains control characters"),
        ("name\nAda\u202eevil\n", "line 2"),
        ("name\n" + 101 * "a" + "\n", "line 2: the name has more than 100 characters"),
        ('name\n"Ada\n', "line 2 cannot be read"),
        (b"name\nL\xf6we\n", "save it from the spreadsheet as 'CSV UTF-8'"),
        (b"PK\x03\x04\x00\x00", "is not a text file"),
        (b"name\n" + b"a" * 2**20, "is larger than 1 MB"),
        ("name\n" + "\n".join(map(str, range(LARGEST + 1))), f"at most {LARGEST}"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, said: str) -> None:
    with pytest.raises(RosterError) as error:
        read(text)
    assert said in str(error.value)
    assert "\x1b" not in str(error.value)


def test_all_wrong_lines_are_listed_at_once() -> None:
    text = "email\n" + "\n".join(f"wrong-{n}" for n in range(15))
    with pytest.raises(RosterError) as error:
        read(text)
    assert str(error.value).count("is not an e-mail address") == 10
    assert "and 5 more" in str(error.value)


@given(st.binary(max_size=400))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(RosterError):
        read(data)


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.emails(), st.sampled_from(["", "teacher"])), max_size=5
    ),
    st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_is_read_back_or_refused(
    people: list[tuple[str, str, str]], separator: str
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([("name", "email", "role"), *people])
    try:
        found = read(written.getvalue())
    except RosterError:
        return
    assert [email for _, email, *_ in found] == [email.lower() for _, email, _ in people]
