"""BibTeX and RIS: read by libraries of other people."""

from __future__ import annotations

from typing import Any

import bibtexparser
import rispy
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text

from opendata.accounts.models import User
from opendata.exports import citation
from opendata.records.models import Version

from ..records import published
from .described import DESCRIPTION, TITLE, as_bibtex

#: What LaTeX prints for characters of ASCII that it has no other way to print.
_PRINTED = str.maketrans({"\u02c6": "^", "\u201d": '"'})


def _plain(text: str) -> str:
    reader = LatexNodes2Text(keep_comments=True, strict_latex_spaces=True)
    return str(reader.latex_to_text(text)).translate(_PRINTED)


def test_bibtex_takes_apart_people_only_and_keeps_every_character(record: Version) -> None:
    fields: dict[str, Any] = as_bibtex(record)
    assert citation.bibtex(record).count("{") == citation.bibtex(record).count("}")
    person, organisation, unknown = fields["author"]
    assert _plain(" ".join(person.von + person.last)) == "Pérez de los Heros"
    assert person.first == ["Carlos"]
    assert _plain(organisation.last[0].strip("{}")) == "Smith and Sons, Inc. & R{D"
    assert _plain(unknown.last[0].strip("{}")) == "Albert et al."
    assert _plain(fields["title"].removeprefix("{").removesuffix("}")) == TITLE
    assert _plain(fields["abstract"]) == " ".join(DESCRIPTION.split())
    assert fields["doi"] == "10.5072/FK2/(A)<B>"
    assert fields["url"] == "https://doi.org/10.5072/FK2/(A)%3CB%3E"


def test_bibtex_keeps_names_whose_letters_or_words_mean_something_else_to_it(
    curator: User, reviewer: User
) -> None:
    # LaTeX's mathematics has no capital chi: it was "{X}", a Latin letter.
    names = [("Χατζής", "Ελένη"), ("Иванов", "Пётр"), ("And", "B."), ("Sukarno", "")]
    creators = [{"kind": "person", "family": last, "given": first} for last, first in names]
    record = published(curator, reviewer, creators=creators, title="Limits on θ of Σείριος")
    fields: dict[str, Any] = as_bibtex(record)
    found = [(person.last[0].strip("{}"), " ".join(person.first)) for person in fields["author"]]
    assert found == names
    assert fields["title"] == r"{Limits on {\ensuremath{\theta}} of Σείριος}"


_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"])


@given(st.text(_LETTERS | st.sampled_from("\\{}$%&#_^~'\""), max_size=40))
@hypothesis_settings(deadline=None)
def test_no_text_breaks_bibtex(text: str) -> None:
    written = citation._tex(text)
    entry = f"@misc{{key,\n  title = {{{written}}}\n}}\n"
    library = bibtexparser.parse_string(entry)
    assert not library.failed_blocks
    assert library.entries[0].fields_dict["title"].value == written


def test_ris_is_read_with_each_author_and_the_abstract(web: Client, record: Version) -> None:
    entry = rispy.loads(web.get("/records/cnt24_01/ris").content.decode())[0]
    assert entry["authors"] == [item["name"] for item in record.creators]
    assert entry["title"] == TITLE
    assert entry["abstract"] == " ".join(DESCRIPTION.split())
    assert entry["year"] == str(record.published_at)[:4]
    assert "Neutrino astronomy" in entry["keywords"]
