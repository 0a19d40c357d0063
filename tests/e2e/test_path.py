"""A platform below a path of an institute's web server, which has other pages, too."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import pyvo
from playwright.sync_api import Browser, Page, expect

from openkm3.store import KM3Store
from tests.e2e import nginx
from tests.e2e.platforms import PORTAL, Platform, answers, start
from tests.e2e.servers import start_kernel, start_server
from tests.ports import free_ports
from tests.waiting import wait_until

PATH = "/institute/km3net"


@dataclass
class Behind:
    """A platform, and the address that people know."""

    platform: Platform
    address: str
    web: nginx.WebServer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    if not nginx.program():
        pytest.skip("nginx is missing; run: make tools")
    folder = tmp_path_factory.mktemp("path")
    web_folder = tmp_path_factory.mktemp("nginx")
    web_folder.chmod(0o755)
    front = free_ports(1)
    address = f"http://127.0.0.1:{front}{PATH}"
    settings = (
        f"site: {{public_url: '{address}', name: Below a path, banner: {{text: Hello}}}}\n"
        f"services: {{opendata: {{public_url: '{address}/data'}}}}\n"
    )
    platform = start("embedded", folder, project="km3path", settings=settings)
    port = urlsplit(platform.address).port
    assert port
    places = {PATH: port, f"{PATH}/data": port + PORTAL}
    web = nginx.WebServer.start(web_folder, front, places)
    platform.address = address
    yield Behind(platform, address, web)
    platform.stop()
    web.stop()


@pytest.fixture
def page(site: Behind, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def test_the_printed_address_is_the_actual_one(site: Behind) -> None:
    said = site.platform.command("up").stdout
    port = site.platform.state.joinpath("run", "port").read_text()
    assert f"Open     http://127.0.0.1:{port}{PATH}   (already running)" in said
    assert f"People   {site.address}" in said
    status = site.platform.command("status")
    assert status.returncode == 0
    assert f"Hub        http://127.0.0.1:{port}{PATH}\n" in status.stdout


def test_every_redirect_and_cookie_stays_below_the_path(site: Behind) -> None:
    with httpx.Client(timeout=60) as client:
        answer = client.get(f"{site.address}/")
        seen = [site.address]
        while answer.is_redirect:
            seen.append(str(answer.next_request.url if answer.next_request else ""))
            answer = client.get(seen[-1])
        assert answer.status_code == 200
        assert "Below a path" in answer.text
        assert all(address.startswith(site.address) for address in seen), seen
        assert client.cookies.jar
        for cookie in client.cookies.jar:
            assert cookie.path.startswith(f"{PATH}/"), cookie


def test_a_kernel_runs_and_a_server_is_reached_by_the_hubs_redirect(site: Behind) -> None:
    person = site.platform.api(site.platform.user, site.platform.password)
    start_server(person)
    kernel = start_kernel(person)
    assert kernel.run("import os; print(os.environ['JUPYTERHUB_SERVICE_PREFIX'])").strip() == (
        f"{PATH}/user/{site.platform.user}/"
    )
    with person.client() as client:
        answer = client.get("/hub/user-redirect/lab", follow_redirects=False)
    assert answer.headers["Location"].startswith(f"{PATH}/hub/login?next=%2Finstitute%2Fkm3net%2F")


def test_a_person_finds_everything_below_the_path(site: Behind, page: Page) -> None:
    """Login, start, a notebook's kernel, the banner in Lab, and each page of the hub."""
    outside: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((site.address, "data:", "blob:"))
            or request.url.startswith(site.address.replace("http", "ws", 1))
            else outside.append(request.url)
        ),
    )
    broken: list[str] = []
    page.on(
        "response",
        lambda answer: (
            broken.append(f"{answer.status} {answer.url}")
            if answer.status >= 400
            and answer.request.resource_type in ("script", "stylesheet", "image")
            else None
        ),
    )
    page.goto(f"{site.address}/")
    page.get_by_label("User name").fill("admin")
    page.get_by_role("textbox", name="Password").fill(site.platform.admin_password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(f"{site.address}/user/admin/lab**")
    expect(page.get_by_role("tab", name="Welcome.md")).to_be_visible()
    expect(page.get_by_text("Hello").first).to_be_visible()
    for name, heading in (
        ("token", "token"), ("admin", "admin"), ("status", "services"), ("home", "server"),
    ):  # fmt: skip
        answer = page.goto(f"{site.address}/hub/{name}")
        assert answer
        assert answer.status == 200, name
        expect(page.locator("header").first).to_be_visible()
        expect(page.get_by_text(heading).first).to_be_visible()
    page.get_by_role("link", name="Log out").first.click()
    page.wait_for_url(f"{site.address}/hub/**")
    assert not outside
    assert not broken


@pytest.fixture
def data(site: Behind) -> str:
    """The portal's address for people, when it answers."""
    address = f"{site.address}/data"
    wait_until(
        lambda: answers(f"{address}/health"),
        seconds=120,
        what="the portal answers through the web server",
    )
    return address


def test_every_link_of_the_portal_stays_below_the_path_and_answers(data: str) -> None:
    """From the first page over all links, to a depth that has each kind of page."""
    found, looked = {f"{data}/"}, set[str]()
    start = f"{urlsplit(data).path}/"
    kinds: Counter[str] = Counter()

    def kind(address: str) -> str:
        return urlsplit(address).path.removeprefix(start).split("/")[0]

    with httpx.Client(timeout=60, follow_redirects=True) as client:
        while (todo := sorted(found - looked)) and len(looked) < 150:
            address = min(todo, key=lambda one: kinds[kind(one)])
            looked.add(address)
            answer = client.get(address)
            path = urlsplit(address).path.removeprefix(start)
            kinds[kind(address)] += 1
            if path.startswith("curate"):
                assert answer.status_code == 403
                assert "host name of its own" in answer.text
                continue
            assert answer.status_code == 200, address
            assert str(answer.url).startswith(f"{data}/"), answer.url
            if "html" not in answer.headers["content-type"]:
                continue
            for link in re.findall(r"""\s(?:href|src|action)=["']([^"'#]+)""", answer.text):
                assert not link.startswith("/") or link.startswith(start), (address, link)
                full = urljoin(str(answer.url), html.unescape(link)).split("#")[0]
                if full.startswith(f"{data}/"):
                    found.add(full)
    assert {"records", "search", "alerts", "api", "static", "ktypes", "catalog.json"} <= {*kinds}


def test_programs_use_the_portal_below_the_path(data: str) -> None:
    pages = httpx.get(f"{data}/api/v1/records/?page_size=1", timeout=60).json()
    assert pages["next"].startswith(f"{data}/api/v1/records/")
    count = pyvo.dal.TAPService(f"{data}/vo/tap").search(
        "SELECT COUNT(*) AS n FROM tap_schema.tables"
    )
    assert int(count["n"][0]) > 3
    identify = httpx.get(f"{data}/oai?verb=Identify", timeout=60).text
    assert f"baseURL>{data}/oai</" in identify
    assert len(KM3Store(server=data).get("ana20_01_vo").get_dataframe()) > 1000


def test_answers_below_the_path_are_guarded_as_elsewhere(data: str) -> None:
    for path in ("/", "/api/docs/", "/records/ana20_01_acc/", "/records/no-such-record/"):
        below = httpx.get(f"{data}{path}", timeout=60)
        own = f"http://127.0.0.1:{urlsplit(data).port}"
        assert below.headers["Content-Security-Policy"], path
        assert own not in below.headers["Content-Security-Policy"]
        assert below.headers["X-Content-Type-Options"] == "nosniff"
    assert httpx.get(f"{data}/api/v1/none/", timeout=60).headers["Content-Type"] == (
        "application/json"
    )


def test_a_record_below_the_path_opens_in_the_hub(site: Behind, data: str, page: Page) -> None:
    page.goto(f"{site.address}/hub/login")
    page.get_by_role("link", name="Open Data").click()
    page.wait_for_url(f"{data}/**")
    page.goto(f"{data}/records/ana20_01_acc/")
    expect(page.locator("#plots svg").first).to_be_visible()
    link = page.get_by_role("link", name="Open in the hub")
    target = link.get_attribute("href")
    assert target == f"{site.address}/hub/user-redirect/km3/records/ana20_01_acc"


def test_another_path_is_refused_while_a_server_runs(site: Behind) -> None:
    person = site.platform.api(site.platform.user, site.platform.password)
    start_server(person)
    before = site.platform.config.read_text()
    site.platform.config.write_text(before.replace(PATH, "/elsewhere"))
    refused = site.platform.command("up")
    assert refused.returncode == 1
    assert f"need the hub at the path {PATH}, not /elsewhere" in refused.stderr
    site.platform.config.write_text(before)
    with person.client() as client:
        assert client.get(f"/user/{person.name}/api/status").status_code == 200


def test_the_login_page_can_be_on_loopback_of_ipv6(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("six")
    port = free_ports(PORTAL + 1)
    address = f"http://[::1]:{port}"
    platform = start("embedded", folder, project="km3six", port=port,
                     settings=f"site: {{public_url: '{address}'}}")  # fmt: skip
    try:
        assert platform.address == address
        person = platform.api(platform.user, platform.password)
        start_server(person)
        assert start_kernel(person).run("print(6 * 7)").strip() == "42"
        said = platform.command("status").stdout
        assert f"Hub        {address}\n" in said
    finally:
        platform.stop()
