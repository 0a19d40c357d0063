from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from opendata import describing
from opendata.accounts.models import User
from opendata.portal.plots.sky import project
from opendata.records import publishing
from opendata.records.models import Record, Version
from opendata.records.publishing import Draft, NewRecord

from .records import ECSV, draft, published
from .running import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = "</script><script>alert(1)</script>"


@pytest.mark.parametrize(
    "path", ["/", "/search", "/ktypes/", "/alerts/", "/api/docs/", "/sitemap.xml"]
)
def test_pages_of_an_empty_portal_work(web: Client, path: str) -> None:
    assert web.get(path).status_code == 200


def test_a_record_page_holds_what_one_needs(web: Client, curator: User, reviewer: User) -> None:
    version = published(curator, reviewer)
    page = web.get("/records/cnt24_01/").content.decode()
    for text in (
        version.files.get().sha256,
        "CC-BY-4.0",
        "KM3Store(",
        "curl -L",
        "energy",
        "GeV",
        "Sky map of 3 positions",
    ):
        assert text in page


def test_what_people_write_is_never_run(web: Client, curator: User, reviewer: User) -> None:
    published(curator, reviewer, title=f"Title {EVIL}", description=EVIL)
    answer = web.get("/records/cnt24_01/")
    page = answer.content.decode()
    assert EVIL not in page
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    linked = re.search(r'ld\+json">(.*?)</script>', page, re.DOTALL)
    assert linked
    assert json.loads(linked[1])["name"] == f"Title {EVIL}"
    assert EVIL not in web.get(f"/search?q={EVIL}").content.decode()


def test_search_engines_find_all_records(web: Client, curator: User, reviewer: User) -> None:
    published(curator, reviewer)
    answer = web.get("/sitemap.xml")
    assert answer["Content-Type"] == "application/xml"
    found = [element.text for element in ET.fromstring(answer.content).iter() if element.text]  # noqa: S314
    assert [text for text in found if text.strip()] == ["http://testserver/records/cnt24_01/"]
    assert "Sitemap: http://testserver/sitemap.xml" in web.get("/robots.txt").content.decode()


def test_a_tombstone_says_why_and_offers_no_file(
    web: Client, curator: User, reviewer: User
) -> None:
    publishing.withdraw(published(curator, reviewer), reviewer, "Wrong calibration.")
    answer = web.get("/records/cnt24_01/")
    assert answer.status_code == 410
    assert "Wrong calibration." in answer.content.decode()
    assert "/storage/" not in answer.content.decode()
    assert web.get("/api/v1/records/").json()["count"] == 0


def test_all_that_is_generated_says_so(seeded_server: Server) -> None:
    rows = seeded_server.get("/api/v1/records/?page_size=100").json()["results"]
    generated = [row for row in rows if row["simulated"]]
    assert len(generated) >= 15
    for row in generated:
        assert "SIMULATED" in row["title"]
    page = seeded_server.get("/records/evts20_01_file1/").text
    assert page.count('class="simulated"') >= 5
    assert "simulated</strong>" in page


def test_pages_ask_the_database_as_little_among_ten_thousand_records(
    web: Client, curator: User, reviewer: User
) -> None:

    version = published(curator, reviewer)
    record = version.record
    fields = {
        name: getattr(version, name)
        for name in ("title", "description", "ktype", "metadata", "state", "published_at")
    }
    many = Record.objects.bulk_create(
        Record(
            identifier=f"many_{n}",
            title=record.title,
            ktype=record.ktype,
            text=record.text,
            instrument=f"ORCA{n % 30}",
            license=record.license,
            published=record.published,
        )
        for n in range(10_000)
    )
    Version.objects.bulk_create(Version(record=item, number=1, **fields) for item in many)
    for item, number in zip(
        many, Version.objects.filter(record__in=many[:1]).values_list("pk"), strict=False
    ):
        Record.objects.filter(pk=item.pk).update(current_id=number[0])
    versions = dict(Version.objects.exclude(pk=version.pk).values_list("record_id", "pk"))
    for item in many:
        item.current_id = versions[item.pk]
    Record.objects.bulk_update(many, ["current_id"], batch_size=500)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert web.get(path).status_code == 200
        return len(asked)

    assert queries("/records/cnt24_01/") <= 25
    assert queries("/search?q=counts+orca6") <= 25


@pytest.mark.parametrize(
    "row", [[734852.001, 734852.0010001], [5.0, 5.0], [1e300, -1e300], [0.0, 1e-320]]
)
def test_narrow_and_wide_values_are_drawn(
    web: Client, curator: User, reviewer: User, row: list[float]
) -> None:
    first, second = (repr(value).encode() for value in row)
    content = ECSV.replace(b"\n1.5", b"\n" + first).replace(b"\n2.5", b"\n" + second)
    version = publishing.create(NewRecord(identifier="cnt24_01"), Draft(**draft()), curator)
    publishing.add_file(version, "counts.ecsv", [content], curator, describe=describing.describe)
    publishing.submit(version, curator)
    publishing.approve(version, reviewer)
    assert web.get("/records/cnt24_01/").status_code == 200


def test_positions_of_a_sky_map_have_tooltips(web: Client, curator: User, reviewer: User) -> None:
    version = published(curator, reviewer)
    points = web.get("/records/cnt24_01/versions/1.0/sky.json").json()
    assert (points["ra"], points["dec"]) == ([10.0, 200.0, 355.5], [20.0, -70.0, 89.0])
    assert points["info"] == [{"name": "energy", "unit": "GeV", "values": [1.5, 2.5, 9.0]}]
    publishing.withdraw(version, reviewer, "Wrong calibration.")
    assert web.get("/records/cnt24_01/versions/1.0/sky.json").status_code == 404


def test_the_page_of_an_older_version_offers_that_version_only(
    web: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer)
    second = publishing.next_version(first.record, curator, "new")
    publishing.submit(second, curator)
    publishing.approve(second, reviewer)
    old = web.get("/records/cnt24_01/versions/1.0/").content.decode()
    assert "/storage/cnt24_01/1.0/counts.ecsv" in old
    assert "/storage/cnt24_01/2.0/" not in old
    # The catalogue and TAP have the current version, so that their lines would give other data.
    assert "KM3Store(" not in old
    assert 'href="/records/cnt24_01/versions/1.0/bib"' in old
    new = web.get("/records/cnt24_01/").content.decode()
    assert "KM3Store(" in new
    assert 'href="/records/cnt24_01/bib"' in new


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (("2020-01-01", "2020-12-31"), ("t_min=2020-06-01", 1)),
        (("2020-01-01", "2020-12-31"), ("t_min=2021-06-01", 0)),
        (("2020-01-01", None), ("t_min=2019-06-01", 1)),
        (("2020-01-01", None), ("t_min=2021-06-01", 0)),  # it may have ended before
        ((None, "2020-12-31"), ("t_max=2021-06-01", 1)),
        ((None, "2020-12-31"), ("t_max=2019-06-01", 0)),
        ((None, None), ("t_min=2019-06-01", 0)),
    ],
)
def test_an_unknown_day_is_neither_before_nor_after(
    web: Client,
    curator: User,
    reviewer: User,
    days: tuple[str | None, str | None],
    found: tuple[str, int],
) -> None:
    record = published(curator, reviewer).record
    Record.objects.filter(pk=record.pk).update(measured_from=days[0], measured_to=days[1])
    query, count = found
    assert web.get(f"/api/v1/records/?{query}").json()["count"] == count


@pytest.mark.browser
def test_maps_and_sky_maps_describe_the_value_under_the_pointer(
    chromium: Browser, seeded_server: Server
) -> None:
    page = chromium.new_page()
    page.goto(f"{seeded_server.url}/records/ana20_01_acc/")
    figure = page.locator("[data-plot]")
    box = figure.locator("svg").bounding_box()
    assert box
    # The middle of the map: the eleventh of twenty bins of sin(dec), the ninth of sixteen indices.
    page.mouse.move(box["x"] + 320 / 640 * box["width"], box["y"] + 150 / 360 * box["height"])
    text = figure.locator("output").inner_text()
    values = json.loads(page.locator("#plot-data").inner_text())[0]["z"]
    assert "Detector acceptance [GeV⁻¹ cm² s]" in text
    assert "sin(Declination): 0 to 0.1, Spectral index: 2.25 to 2.35" in text
    assert text.endswith(f"{float(f'{values[8][10]:.6g}'):g}") or str(values[8][10])[:6] in text
    figure.locator("svg").focus()
    page.keyboard.press("ArrowUp")
    assert "Spectral index: 2.35 to 2.45" in figure.locator("output").inner_text()
    # The mark lies over the cell of that bin.
    mark, cells = figure.locator(".cell"), figure.locator("rect")
    under = cells.nth(9 * 20 + 10).bounding_box()
    over = mark.bounding_box()
    assert over
    assert under
    middle = [box["x"] + box["width"] / 2 for box in (over, under)]
    assert middle[0] == pytest.approx(middle[1], abs=2)
    middle = [box["y"] + box["height"] / 2 for box in (over, under)]
    assert middle[0] == pytest.approx(middle[1], abs=2)
    page.goto(f"{seeded_server.url}/records/ana20_01_vo/")
    sky = page.locator("[data-sky]")
    with page.expect_response("**/sky.json"):
        sky.locator("svg").focus()
    page.wait_for_function("document.querySelector('[data-sky] .found')")
    page.keyboard.press("ArrowRight")
    said = sky.locator("output").inner_text()
    assert said.startswith("RA ")
    assert "Number of hits" in said
    assert "Event SIM" in said
    ra, dec = (float(text) for text in re.findall(r"-?[\d.]+(?=°)", said))
    found = re.match(r"M(\S+) (\S+)a", sky.locator(".found").get_attribute("d") or "")
    assert found
    x, y = project(ra, dec)
    assert (float(found[1]) + 7, float(found[2])) == pytest.approx((x, y), abs=0.1)
    page.close()


@pytest.mark.browser
def test_in_a_browser_one_finds_a_record_and_reads_its_plot(
    chromium: Browser, seeded_server: Server
) -> None:
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    page.goto(seeded_server.url)
    page.keyboard.press("/")
    page.keyboard.type("week of orca")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="SIMULATED ORCA4 events file").click()
    page.wait_for_url("**/records/evts20_01_file1/")  # with its scripts
    plot = page.locator("[data-plot]").nth(1)
    plot.locator("svg").hover()
    assert "entries:" in plot.locator("output").inner_text()
    plot.locator("svg").focus()
    page.keyboard.press("ArrowRight")
    assert "→" in plot.locator("output").inner_text()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "one_week_orca.h5"
    page.set_viewport_size({"width": 360, "height": 780})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert said == []
    context.close()
