"""The handout: what the cards say, as PDF, page and table, and who can read it."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import segno

from km3hub.login.accounts import AccountStore
from km3hub.workshops.creating import Workshops
from km3hub.workshops.fonts import find_fonts
from km3hub.workshops.handout import Handout, Slip
from km3hub.workshops.printed import printed
from km3settings.state import State
from tests.hub.workshops.running import workshop

ROSTER = "name,email\nŁukasz <b>Ż</b>,n@example.org\n=HYPERLINK(1),evil@example.org\n"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workshop of three at an address that is known outside."""
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "platform.yaml"
    settings.write_text("site: {public_url: 'https://km3net.example.org', contact: help@a.org}")
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    folder = tmp_path / "state"
    result = workshop(
        folder,
        *("create", "school", "--from=-", "--participants=3", "--until=2999-01-31"),
        stdin=ROSTER,
    )
    assert result.exit_code == 0, result.output
    return folder


def written(state: Path, kind: str) -> bytes:
    result = workshop(state, "handout", "school", f"--format={kind}")
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def text_of(pdf: bytes) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("needs pdftotext of the Debian package poppler-utils: make tools")
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def test_the_files_are_readable_by_their_owner_only(state: Path, tmp_path: Path) -> None:
    assert workshop(state, "handout", "school").exit_code == 0
    folder = tmp_path / "school-handout"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["accounts.csv", "cards.html", "cards.pdf"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_every_card_is_in_all_three(state: Path) -> None:
    cards = Workshops(State(state)).cards("school").read()
    pdf, page, table = (written(state, kind) for kind in ("pdf", "html", "csv"))
    text = text_of(pdf)
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    for row, (account, card) in zip(rows, cards.items(), strict=True):
        for content in (text, page.decode()):
            assert account in content
            assert card.password in content
        assert row["account"] == account
        assert row["password"] == card.password
        link = f"https://km3net.example.org/hub/card#{account}.{card.secret}"
        assert row["login link"] == link
    assert "https://km3net.example.org" in text
    assert "2999-01-31" in text
    assert "help@a.org" in text


def test_names_are_text_and_not_markup_or_formulas(state: Path) -> None:
    page = written(state, "html").decode()
    assert "Łukasz &lt;b&gt;Ż&lt;/b&gt;" in page
    assert "<script" not in page
    rows = list(csv.DictReader(io.StringIO(written(state, "csv").decode("utf-8-sig"))))
    assert rows[1]["name"] == "'=HYPERLINK(1)"


def test_the_page_needs_nothing_from_any_server(state: Path) -> None:
    page = written(state, "html").decode()
    assert not re.search(r"(src|href)=|@import|url\(", page)


def test_the_code_contains_the_link() -> None:
    link = "https://km3net.example.org/hub/card#school-01." + 32 * "x"
    slip = Slip(account="school-01", teacher=False, name="", email="", password="p", link=link)
    # ISO/IEC 18004: byte mode, level M, the smallest version that holds the text.
    assert slip.code == segno.make_qr(link, error="m")
    assert slip.code.error in ("M", "Q", "H")


def test_the_drawn_code_is_the_code(tmp_path: Path) -> None:
    """What a printer gets, module by module, against what segno computes."""
    if not shutil.which("pdftoppm"):
        pytest.skip("needs pdftoppm of the Debian package poppler-utils: make tools")
    from PIL import Image

    link = "https://km3net.example.org/hub/card#school-01." + 32 * "y"
    slip = Slip(account="school-01", teacher=False, name="", email="", password="p", link=link)
    cards = Handout(title="t", address="a", until="u", contact="c", slips=(slip,))
    (tmp_path / "cards.pdf").write_bytes(printed(cards, find_fonts()))
    subprocess.run(
        ["pdftoppm", "-r", "600", "-gray", "-singlefile", "cards.pdf", "cards"],
        cwd=tmp_path,
        check=True,
    )
    picture = Image.open(tmp_path / "cards.pgm").convert("L")
    matrix = slip.code.matrix
    dots = 600 / 25.4
    module = 32.0 / (len(matrix) + 8)
    left, top = 10 + 95 - 5 - 32, 10 + 12.5
    for row, bits in enumerate(matrix):
        for column, dark in enumerate(bits):
            x, y = left + (column + 4.5) * module, top + (row + 4.5) * module
            assert (picture.getpixel((round(x * dots), round(y * dots))) < 128) == bool(dark)


@pytest.mark.parametrize("with_fonts", [True, False])
def test_names_that_no_font_has_do_not_prevent_the_handout(with_fonts: bool) -> None:
    fonts = find_fonts() if with_fonts else find_fonts(["/nowhere"])
    if with_fonts and fonts is None:
        pytest.skip("needs the Debian package fonts-dejavu-core")
    slips = tuple(
        Slip(account=f"a-{n}", teacher=False, name=name, email="", password="p-q", link="")
        for n, name in enumerate(["田中", "\U0001f600", 100 * "w", "Ülo", "\u0416"])
    )
    text = text_of(
        printed(Handout(title="t", address="a", until="u", contact="c", slips=slips), fonts)
    )
    assert "a-4" in text
    assert "Ülo" in text


def test_a_changed_password_is_not_printed(state: Path) -> None:
    old = Workshops(State(state)).cards("school").read()["school-01"].password
    AccountStore(state / "accounts.json").set_password("school-01", "another-password")
    page = written(state, "html").decode()
    assert old not in page
    assert "was changed; ask the organiser" in page


def test_a_new_password_is_on_the_card_and_works(state: Path) -> None:
    before = Workshops(State(state)).cards("school").read()
    result = workshop(
        state, *("handout", "school", "--new-password", "School-01", "--format", "csv")
    )
    assert result.exit_code == 0
    after = Workshops(State(state)).cards("school").read()
    assert after["school-01"].password != before["school-01"].password
    assert after["school-02"] == before["school-02"]
    assert after["school-01"].password in result.stdout
    wrong = workshop(state, "handout", "school", "--new-password", "root")
    assert wrong.exit_code == 1
    assert "root is not an account of the workshop school" in wrong.output


def test_what_was_forgotten_is_nowhere(state: Path) -> None:
    password = Workshops(State(state)).cards("school").read()["school-01"].password.encode()
    assert workshop(state, "handout", "school", "--forget").exit_code == 0
    assert not [p for p in state.rglob("*") if p.is_file() and password in p.read_bytes()]
    result = workshop(state, "handout", "school")
    assert result.exit_code == 1
    assert "--new-password ACCOUNT" in result.output
    assert "No handout of school is kept" in workshop(state, "handout", "school", "--forget").output


def test_nonsense(state: Path) -> None:
    assert workshop(state, "handout", "nosuch").exit_code == 1
    assert workshop(state, "handout", "school", "--format=doc").exit_code == 2
    assert workshop(state, "handout", "school", "--forget", "--format=csv").exit_code == 2
    Path("school-handout").write_text("a file")
    assert workshop(state, "handout", "school").exit_code in (1, 2)
