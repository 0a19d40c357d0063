"""The documentation site builds, and says what the code says."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run(
        sys.executable,
        "-m",
        "sphinx",
        "--fail-on-warning",
        "--keep-going",
        "--quiet",
        "--doctree-dir",
        folder / "doctrees",
        ROOT / "docs",
        folder / "html",
        timeout=500,
    )
    return folder / "html"


class Text(HTMLParser):
    """Collects the text of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def __str__(self) -> str:
        return " ".join(self.words)


def test_site_builds_without_a_warning(site: Path) -> None:
    assert "For scientists on a hosted hub" in str(Text(site / "index.html"))


def test_every_kind_of_user_has_a_page(site: Path) -> None:
    for page in ("scientists", "visitors", "workshops", "admins", "contributing"):
        assert (site / f"{page}.html").stat().st_size > 2000


def test_settings_reference_has_nested_keys_and_their_defaults(site: Path) -> None:
    text = str(Text(site / "reference/platform-yaml.html"))
    assert "opendata.demonstration true" in text
    assert "idle_minutes 60" in text


def test_rest_reference_separates_reading_from_writing(site: Path) -> None:
    text = str(Text(site / "reference/rest.html"))
    assert "GET /api/v1/records/{identifier}/ Answer" in text
    read, _, rest = text.partition("GET /api/v1/records/{identifier}/ ")[2].partition(" PUT ")
    assert "everyone" in read
    assert "token" in rest.partition(" DELETE ")[0]


def test_api_reference_has_both_stores(site: Path) -> None:
    page = (site / "reference/openkm3.html").read_text(encoding="utf-8")
    assert 'id="openkm3.store.KM3Store"' in page
    assert 'id="openkm3.openio.KM3Store"' in page


def test_api_reference_has_adqlite(site: Path) -> None:
    page = (site / "reference/adqlite.html").read_text(encoding="utf-8")
    for name in ("publish", "TapService", "http.asgi.application", "tables.metadata.Column"):
        assert f'id="adqlite.{name}"' in page


def test_durations_are_those_of_the_benchmarks(site: Path) -> None:
    bench = (ROOT / "tests/bench/README.md").read_text(encoding="utf-8")
    row = re.search(r"\| warm `make up` to login page \| ([^|]*) \|", bench)
    assert row
    text = str(Text(site / "reference/durations.html"))
    assert f"installed before login page {row[1]}" in text


def test_architecture_describes_each_walk_in_at_most_ten_lines() -> None:
    lines = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    walks = lines.partition("## Three walks")[2].split("\n### ")[1:]
    assert len(walks) == 3
    for walk in walks:
        steps = [line for line in walk.splitlines()[1:] if line.strip()]
        assert len(steps) <= 10
