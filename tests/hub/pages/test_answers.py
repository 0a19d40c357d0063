"""What the hub answers, without a browser: headers, banner, static files, refused starts."""

import re

import httpx
import pytest

from km3hub.pages.handlers import STATIC
from tests.waiting import wait_until


@pytest.fixture
def client(hub):
    with httpx.Client(base_url=f"{hub.url}/hub", timeout=30) as client:
        yield client


@pytest.fixture
def user(hub, account):
    """The API with a user `tess`, who is removed afterwards with her server."""
    account("tess")
    with hub.api() as api:
        api.delete("/users/tess")
        assert api.post("/users/tess").status_code == 201
        yield api
        api.delete("/users/tess")


def send_login(client, name, password, path="/login"):
    client.get("/login")
    form = {"username": name, "password": password, "_xsrf": client.cookies["_xsrf"]}
    return client.post(path, data=form)


@pytest.fixture
def logged_in(client, account, password):
    """A function that logs a user in."""

    def logged_in(name):
        account(name)
        assert send_login(client, name, password).status_code == 302
        client.get("/home")
        return client

    return logged_in


def test_pages_cannot_be_framed(client):
    for path in ("/login", "/nothing"):
        assert "frame-ancestors 'none'" in client.get(path).headers["Content-Security-Policy"]


def test_pages_load_nothing_from_elsewhere(client):
    page = client.get("/login").text
    links = r"<a\s[^>]*>"  # followed by people only; one leads to the Open Data Center
    addresses = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", re.sub(links, "", page))
    assert len(addresses) > 5
    assert [a for a in addresses if re.match(r"(https?:)?//", a)] == []
    style = "".join(file.read_text() for file in STATIC.glob("*.css"))
    assert "http" not in style
    assert "@import" not in style


def test_static_files_are_cached_by_their_content(client):
    path = re.search(r'href="/hub(/km3/frame\.css\?v=\w+)"', client.get("/login").text)[1]
    versioned = client.get(path)
    assert versioned.headers["Content-Type"].startswith("text/css")
    assert "max-age" in versioned.headers["Cache-Control"]
    assert client.get("/km3/frame.css").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/km3/../banner.py", "/km3/%2e%2e/banner.py", "/km3/"])
def test_only_static_files_are_served(client, path):
    answer = client.get(path)
    assert answer.status_code in {403, 404}
    assert "BannerFile" not in answer.text


def test_the_banner_needs_no_login_and_is_not_stored(hub, client):
    hub.set_banner("Maintenance at 18:00 <b>UTC</b>", "warning")
    expected = {"text": "Maintenance at 18:00 <b>UTC</b>", "level": "warning"}
    wait_until(
        lambda: client.get("/banner").json() == expected, seconds=60, what="the banner is served"
    )
    answer = client.get("/banner", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    hub.set_banner("")
    wait_until(
        lambda: client.get("/banner").json()["text"] == "", seconds=60, what="the banner is gone"
    )


def test_the_banner_is_read_only(client):
    assert client.post("/banner", json={"text": "mine"}).status_code in {403, 405}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": "alpine"}, "You can only choose an environment and a size from the menu"),
        (
            {"user_options": {"image": "alpine"}},
            "You can only choose an environment and a size from the menu",
        ),
        ({"environment": "alpine"}, "There is no environment 'alpine'"),
        ({"environment": "closed"}, "You have no access to the environment"),
        ({"size": ["small", "large"]}, "There is no size ['small', 'large']"),
    ],
)
def test_the_api_refuses_what_is_not_on_the_menu_with_a_sentence(user, options, sentence):
    answer = user.post("/users/tess/server", json=options)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert answer.elapsed.total_seconds() < 5
    assert user.get("/users/tess").json()["servers"] == {}


def test_a_refused_start_does_not_spoil_the_next(user):
    assert user.post("/users/tess/server", json={"image": "alpine"}).status_code == 400
    assert user.post("/users/tess/server").status_code in {201, 202}
    server = user.get("/users/tess?include_stopped_servers").json()["servers"][""]
    assert server["user_options"] == {"environment": "works", "size": "small"}


def test_a_form_without_its_token_is_refused(hub, logged_in):
    client = logged_in("victim")
    for mode in ("navigate", "no-cors", "cors"):
        forged = client.post(
            "/spawn",
            data={"environment": "works", "size": "small"},
            headers={
                "Origin": "https://evil.example",
                "Referer": "https://evil.example/",
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": mode,
            },
        )
        assert forged.status_code == 403, mode
    with hub.api() as api:
        assert api.get("/users/victim").json()["servers"] == {}


def test_a_choice_in_the_address_follows_the_same_rules(logged_in):
    answer = logged_in("linker").get("/spawn?environment=alpine")
    assert answer.status_code == 400
    assert "There is no environment &#39;alpine&#39;" in answer.text
    assert 'value="works"' in answer.text


@pytest.mark.parametrize("path", ["/login?next=//evil.example", "/login?next=https://evil.example"])
def test_login_leads_nowhere_else(client, account, password, path):
    account("ida")
    answer = send_login(client, "ida", password, path)
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


def test_the_form_announces_the_pause_after_failed_logins(client):
    for _ in range(5):
        assert send_login(client, "locked", "x").status_code == 403
    answer = send_login(client, "locked", "x")
    assert answer.status_code == 429
    assert re.search(r'role="alert">\s*Too many failed logins\. Try again in \w+', answer.text)


def test_what_people_type_is_escaped(client):
    page = send_login(client, "\"><script>alert('x')</script>", "x").text
    assert "<script>alert" not in page
    assert "Summer school &lt;1&gt;" in page


def test_every_page_names_the_contact(client):
    for path in ("/login", "/nothing"):
        assert 'href="mailto:help@example.org"' in client.get(path).text
