"""Data in a real browser: search, view, download, cite, and open in the hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.platforms import ROOT, Platform
from tests.e2e.servers import Kernel, run_notebook, start_kernel, start_server
from tests.e2e.test_browser import picture
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

RECORD = "ana20_01_acc"
#: What the portal says and openkm3 knows of the record.
TITLE = "SIMULATED ANTARES 2007-2017 detector acceptance"


@pytest.fixture
def page(platform: Platform, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def a_kernel(platform: Platform) -> Kernel:
    """A kernel of the user's server, which is started where it does not run (any more)."""
    person = platform.api(platform.user, platform.password)
    start_server(person)
    return start_kernel(person)


def find(page: Page, platform: Platform) -> None:
    """From the hub's login page to the record, by the search."""
    page.goto(platform.address)
    expect(page.get_by_role("link", name="Open Data")).to_have_attribute("href", platform.portal)
    platform.await_portal()
    page.get_by_role("link", name="Open Data").click()
    page.get_by_role("searchbox").first.fill("acceptance")
    page.keyboard.press("Enter")
    found = page.get_by_role("link", name=TITLE)
    expect(found).to_be_visible()
    picture(page, platform, "portal-1-search")
    found.click()


def look(page: Page, platform: Platform) -> None:
    """At the plot."""
    plot = page.locator("#plots svg").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box
    assert box["width"] > 300, "the plot has no size"
    assert plot.locator("path, rect, polyline, circle, line").count() > 10, "the plot is empty"
    picture(page, platform, "portal-2-record")


def download_and_cite(page: Page, platform: Platform) -> None:
    """Take the file, which is the one that the page describes, and its citation."""
    shown = page.locator(".hash code").first.inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    content = download.value.path().read_bytes()
    assert hashlib.sha256(content).hexdigest() == shown
    with page.expect_download() as citation:
        page.get_by_role("link", name="bib", exact=True).click()
    entry = citation.value.path().read_text()
    assert entry.startswith("@misc{")
    assert f"{platform.portal}/records/{RECORD}/" in entry


def open_in_the_hub(page: Page, platform: Platform) -> Locator:
    """Through login and start to a notebook in Lab."""
    button = page.get_by_role("link", name="Open in the hub")
    button.scroll_into_view_if_needed()
    picture(page, platform, "portal-3-use-it")
    button.click()
    page.get_by_label("User name").fill(platform.user)
    page.get_by_role("textbox", name="Password").fill(platform.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("tab", name=f"{RECORD}.ipynb")).to_be_visible()
    notebook = page.locator(".jp-NotebookPanel:visible")
    expect(notebook.get_by_role("heading", name=re.compile(TITLE))).to_be_visible()
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible()
    picture(page, platform, "portal-4-notebook")
    return notebook


def run_all(page: Page, platform: Platform, notebook: Locator) -> None:
    """Run the notebook; it shows the metadata and the table."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    outputs = notebook.locator(".jp-OutputArea-output")
    expect(outputs.filter(has_text="Spectral index").last).to_be_visible()
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible()
    assert not notebook.get_by_text("Traceback (most recent call last)").count()
    outputs.locator("table").last.scroll_into_view_if_needed()
    picture(page, platform, "portal-5-ran")
    page.keyboard.press("Control+s")


def test_from_a_search_to_a_notebook_that_ran(platform: Platform, page: Page) -> None:
    find(page, platform)
    look(page, platform)
    download_and_cite(page, platform)
    notebook = open_in_the_hub(page, platform)
    run_all(page, platform, notebook)


def test_the_same_link_opens_the_same_notebook_with_the_users_changes(
    platform: Platform, page: Page
) -> None:
    kernel = a_kernel(platform)
    person = kernel.person
    path = f"open-data/{RECORD}.ipynb"
    kernel.run(
        f"import pathlib; p = pathlib.Path.home() / {path!r};"
        " p.write_text(p.read_text().replace('Record', 'My notes on'))"
    )
    with person.client() as client:
        answer = client.get(f"/user/{person.name}/km3/records/{RECORD}", follow_redirects=False)
    assert answer.headers["Location"] == f"/user/{person.name}/lab/tree/{path}"
    assert "My notes on" in kernel.run("print(open(p).read())")


def test_openkm3_and_pyvo_find_the_portal_without_configuration(platform: Platform) -> None:
    kernel = a_kernel(platform)
    rows = kernel.run(
        "from openkm3.store import KM3Store;"
        " print(len(KM3Store().get('ana20_01_vo').get_dataframe()))"
    )
    counted = kernel.run(
        "import os, pyvo; tap = pyvo.dal.TAPService(os.environ['KM3_TAP_URL']);"
        " job = tap.run_async('SELECT COUNT(*) AS n FROM ant20_01.main'); print(job['n'][0])"
    )
    assert int(counted) == int(rows.strip().splitlines()[-1]) > 1000


@pytest.mark.parametrize(
    "name", ["04-a-tour-of-the-km3store", "05-antares-events-and-an-upper-limit"]
)
def test_tutorials_find_the_portal_from_a_users_server(platform: Platform, name: str) -> None:
    kernel = a_kernel(platform)
    printed = run_notebook(kernel, ROOT / "notebooks" / f"{name}.ipynb")
    numbers = json.loads(printed.strip().splitlines()[-1])["numbers"]
    assert len(numbers) > 5


@pytest.mark.parametrize("name", ["no_such_record", "..%2f..%2fetc", "a b", "x" * 201])
def test_a_link_to_no_record_makes_no_file(platform: Platform, name: str) -> None:
    person = platform.api(platform.user, platform.password)
    start_server(person)
    with person.client() as client:
        before = client.get(f"/user/{person.name}/api/contents/open-data").json()["content"]
        answer = client.get(f"/user/{person.name}/km3/records/{name}")
        after = client.get(f"/user/{person.name}/api/contents/open-data").json()["content"]
    assert answer.status_code == 404
    assert [f["name"] for f in after] == [f["name"] for f in before]


def test_the_status_page_says_that_all_works(platform: Platform, page: Page) -> None:
    """The hub checks once a minute, and the engine checks the portal's health every half minute."""

    def status() -> dict[str, Any]:
        return dict(httpx.get(f"{platform.address}/hub/status.json", timeout=60).json())

    seen = wait_until(
        lambda: found if (found := status())["works"] else None,
        seconds=150,
        what=lambda: f"the hub reports that everything works: {status()}",
    )
    broker = ["broker"] if platform.mode == "docker" else []
    assert [one["name"] for one in seen["services"]] == ["hub", "servers", *broker, "data"]
    page.goto(f"{platform.address}/hub/status")
    expect(page.get_by_role("heading", name="All services are working")).to_be_visible()
    picture(page, platform, "status")
