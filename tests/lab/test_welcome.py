"""The landing page: what it says, and what it leaves alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from km3lab.home import Usage, amount, usage
from km3lab.index import tutorials
from km3lab.landing import welcome, write
from km3lab.surroundings import Surroundings
from km3lab.tutorials import sync
from tests.lab.conftest import notebook
from tests.lab.running import LabServer

NAME = "01-events.ipynb"


def page(pristine: Path, home: Path, **facts: object) -> str:
    around = Surroundings(home=home, tutorials=pristine, **facts)  # type: ignore[arg-type]
    report = sync(pristine, home)
    return welcome(around, tutorials(pristine), report, usage(home, seconds=5))


def test_it_names_the_server_and_the_contact(pristine: Path, home: Path) -> None:
    facts = {"size_title": "Small", "memory_limit": 2 << 30, "cpu_limit": 1.0}
    text = page(pristine, home, environment="joint", contact="help@example.org", **facts)
    assert (
        "environment **Joint analysis**, size **Small**, 2 GB of memory, 1 processor core." in text
    )
    assert "[help@example.org](mailto:help@example.org)" in text


def test_the_index_links_every_notebook_with_its_own_title(pristine: Path, home: Path) -> None:
    text = page(pristine, home)
    assert (
        "| [**Reading KM3NeT events**](tutorials/01-events.ipynb) | What it is about. |  |" in text
    )
    assert text.index("01-events.ipynb") < text.index("02-sky.ipynb")


def test_the_readme_of_the_tutorials_has_the_last_word(pristine: Path, home: Path) -> None:
    (pristine / "README.md").write_text(
        "# Tutorials\n\n| number | title | what you learn | minutes | environment |\n"
        "|---|---|---|---|---|\n"
        "| 02 | [Sky](02-sky.ipynb) | Right ascension. | 20 | joint |\n"
    )
    row = "[**From the detector to the sky**](tutorials/02-sky.ipynb) | Right ascension."
    assert f"{row} *Needs the environment Joint analysis.* | 20 |" in page(
        pristine, home, environment="stack"
    )
    assert f"{row} | 20 |" in page(pristine, home, environment="joint")


def test_a_first_start_has_no_news(pristine: Path, home: Path) -> None:
    assert "What changed" not in page(pristine, home)


def test_it_says_what_changed_since_the_last_start(pristine: Path, home: Path) -> None:
    page(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    (home / "tutorials" / "README.md").unlink()
    (pristine / NAME).write_text(notebook("Reading events, better"))
    (pristine / "02-sky.ipynb").write_text(notebook("To the sky, better"))
    (pristine / "03-new.ipynb").write_text(notebook("Brand new"))
    text = page(pristine, home)
    assert "- **New**: [03-new.ipynb](tutorials/03-new.ipynb)" in text
    assert "- **Updated** (you had not changed it): [02-sky.ipynb]" in text
    assert (
        "[01-events.ipynb](tutorials/01-events.ipynb) (you changed it);"
        " the new version is [01-events.new.ipynb](tutorials/01-events.new.ipynb)."
    ) in text
    assert "You deleted `README.md`; `km3hub tutorials reset FILE` restores a file." in text


def test_an_unusable_folder_is_explained_and_not_linked(pristine: Path, home: Path) -> None:
    (home / "tutorials").write_text("mine")
    text = page(pristine, home)
    assert "> ⚠️ The tutorials could not be copied: ~/tutorials is a file or a link." in text
    assert "](tutorials/" not in text


def test_titles_and_names_cannot_break_the_page(pristine: Path, home: Path) -> None:
    (pristine / "04 a|b.ipynb").write_text(notebook("A | B <script>alert(1)</script>"))
    (pristine / "05-broken.ipynb").write_text("{")
    text = page(pristine, home, size_title="*Big* <b>", contact="[x](javascript:1)")
    assert "<script>" not in text
    assert "[**A \\| B &lt;script>alert(1)&lt;/script>**](tutorials/04%20a%7Cb.ipynb)" in text
    assert "[**05 broken**](tutorials/05-broken.ipynb)" in text
    assert "size **\\*Big\\* \\<b\\>**" in text
    assert "\\[x\\](javascript:1)" in text


def test_a_quota_is_shown_and_a_nearly_full_home_is_pointed_out(pristine: Path, home: Path) -> None:
    (home / "data").write_bytes(os.urandom(1 << 20))
    quota = 10 << 20
    assert "of 10 MB (1" in page(pristine, home, home_quota=quota)
    (home / "more").write_bytes(os.urandom(quota))
    assert "It is nearly full: please delete some files" in page(pristine, home, home_quota=quota)


def test_the_cpu_quota_is_shown_as_plain_text(pristine: Path, home: Path) -> None:
    report = sync(pristine, home)
    around = Surroundings(home=home, tutorials=pristine)
    used = usage(home, seconds=5)
    sentence = "You have 12 of 50 CPU hours left; they renew on 1 December 2026 (00:00 UTC)."
    text = welcome(around, tutorials(pristine), report, used, quota=f"{sentence} <b>")
    assert f"{sentence} \\<b\\>\n" in text
    assert "CPU hours" not in welcome(around, tutorials(pristine), report, used)


def test_the_page_is_written_only_when_it_changes(home: Path) -> None:
    assert write("one\n", home) == "Welcome.md"
    before = (home / "Welcome.md").stat().st_mtime_ns
    assert write("one\n", home) == "Welcome.md"
    assert (home / "Welcome.md").stat().st_mtime_ns == before
    write("two\n", home)
    assert (home / "Welcome.md").read_text() == "two\n"


def test_a_page_of_the_users_is_not_overwritten(home: Path) -> None:
    (home / "Welcome.md").write_text("my own")
    assert write("one\n", home) == "Welcome to KM3NeT.md"
    (home / "Welcome to KM3NeT.md").write_text("mine too")
    assert write("two\n", home) == ""
    assert (home / "Welcome.md").read_text() == "my own"
    assert (home / "Welcome to KM3NeT.md").read_text() == "mine too"


def test_a_page_that_is_a_link_is_not_written_through(home: Path, tmp_path: Path) -> None:
    (home / "Welcome.md").symlink_to(tmp_path / "outside")
    assert write("one\n", home) == "Welcome to KM3NeT.md"
    assert not (tmp_path / "outside").exists()


def test_usage_finds_what_is_large_and_stays_in_the_home(home: Path, tmp_path: Path) -> None:
    (home / "runs" / "deep").mkdir(parents=True)
    (home / "runs" / "deep" / "big.h5").write_bytes(os.urandom(3 << 20))
    (home / "small.txt").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "huge").write_bytes(os.urandom(8 << 20))
    (home / "link").symlink_to(outside)
    found = usage(home, seconds=10)
    assert found.complete
    assert found.entries[0][1] == "runs"
    assert found.files == [(pytest.approx(3 << 20, rel=0.1), "runs/deep/big.h5")]
    assert 3 << 20 <= found.total < 4 << 20


def test_usage_keeps_to_its_time(home: Path) -> None:
    (home / "deep").mkdir()
    (home / "deep" / "file").write_text("x")
    assert not usage(home, seconds=-1).complete


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (2048, "2 kB"), (1536, "1.5 kB"), (2 << 30, "2 GB"), (5 << 50, "5120 TB")],
)
def test_amounts_read_well(size: int, text: str) -> None:
    assert amount(size) == text


def test_the_server_names_its_page_and_the_page_is_in_the_home(
    start_lab: Callable[..., LabServer], home: Path, pristine: Path
) -> None:
    server = start_lab(home, KM3_TUTORIALS=str(pristine))
    landing = server.notices()["landing"]
    shown = server.api("GET", f"/api/contents/{landing}")["content"]
    assert "Reading KM3NeT events" in shown
    assert server.api("GET", f"/api/contents/tutorials/{NAME}")["type"] == "notebook"


def test_an_empty_home_usage_is_complete(home: Path) -> None:
    assert usage(home, seconds=1) == Usage()
