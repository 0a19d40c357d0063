"""A server cannot send its clients to another host: links, redirects, services."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

from openkm3.errors import DownloadError, HostNotAllowed, OpenKM3Error, ServerError
from openkm3.hosts import Hosts
from openkm3.library import Library
from openkm3.settings import Settings
from openkm3.store import KM3Store
from tests.commands import run

from .server import Hostile, endless, places, redirect, send


@pytest.mark.parametrize("number", range(4))
def test_a_link_of_the_catalogue_to_another_host_is_not_followed(
    hostile: Hostile, inside: Hostile, number: int
) -> None:
    hostile.publish(url=places(inside)[number], filename="x.raw")
    library = Library()
    with pytest.raises(HostNotAllowed, match="OPENKM3_HOSTS"):
        library.file(library.catalogue["x20_01"])
    with pytest.raises(HostNotAllowed):
        KM3Store().get("x20_01")
    assert inside.requests == []


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    hostile: Hostile, inside: Hostile, number: int, status: int
) -> None:
    hostile.answers["/file"] = redirect(places(inside)[number], status)
    hostile.publish(url="file", filename="x.raw")
    library = Library()
    with pytest.raises(HostNotAllowed, match="redirects to"):
        library.file(library.catalogue["x20_01"])
    hostile.answers["/catalog.json"] = redirect(places(inside)[number], status)
    with pytest.raises(HostNotAllowed, match="redirects to"):
        library.update()
    assert inside.requests == []


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1", "data:,x", "http:"]
)
def test_a_redirect_to_another_scheme_is_not_followed(hostile: Hostile, target: str) -> None:
    hostile.answers["/file"] = redirect(target)
    hostile.publish(url="file", filename="x.raw")
    library = Library()
    with pytest.raises(OpenKM3Error):
        library.file(library.catalogue["x20_01"])
    assert library.local(library.catalogue["x20_01"]) is None


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "javascript:1", "http://", "c:x"]
)
def test_a_link_that_is_not_a_web_address_makes_the_catalogue_invalid(
    hostile: Hostile, url: str
) -> None:
    hostile.publish(url=url)
    with pytest.raises(ServerError, match="is not a web address"):
        Library()


def test_redirects_that_never_end_are_given_up(hostile: Hostile) -> None:
    hostile.answers["/catalog.json"] = redirect("/catalog.json")
    with pytest.raises(ServerError, match="more than 5 times"):
        Library()
    assert len(hostile.requests) == 6


def test_redirects_on_the_same_server_are_followed(hostile: Hostile) -> None:
    hostile.publish(url="file", filename="x.raw")
    hostile.answers["/file"] = redirect("/there")
    hostile.answers["/there"] = send(b"data")
    library = Library()
    assert library.file(library.catalogue["x20_01"]).file.read_bytes() == b"data"


@pytest.mark.parametrize("way", ["argument", "environment", "file", "command"])
def test_a_host_that_the_user_allows_is_reached(
    hostile: Hostile, inside: Hostile, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hostile.publish(url=f"{inside.url}/secret", filename="x.raw")
    host = f"127.0.0.1:{inside.port}"
    arguments: dict[str, Any] = {}
    if way == "argument":
        arguments["hosts"] = [host]
    elif way == "environment":
        monkeypatch.setenv("OPENKM3_HOSTS", f"other.example, {host}")
    elif way == "file":
        (tmp_path / "own.toml").write_text(f'hosts = "{host}"')
        monkeypatch.setenv("OPENKM3_CONFIG", str(tmp_path / "own.toml"))
    else:
        done = run(sys.executable, "-m", "openkm3", "get", "x20_01", "--allow-host", host)
        assert Path(done.stdout.strip()).read_bytes() == b"secret"
        return
    library = Library(**arguments)
    assert library.file(library.catalogue["x20_01"]).file.read_bytes() == b"secret"


# Origins: RFC 6454. A name that only ends or begins like the allowed one is another host.
@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://odc.example/x", True),
        ("http://ODC.example:80/x", True),
        ("https://odc.example/x", True),
        ("http://odc.example:8080/x", False),
        ("https://odc.example:80/x", False),
        ("http://odc.example.evil.example/x", False),
        ("http://evil-odc.example/x", False),
        ("http://odc.example@evil.example/x", False),
        ("http://vo.example/x", True),
        ("https://vo.example/x", True),
        ("https://vo.example:444/x", False),
        ("https://store.example:82/x", True),
        ("https://store.example/x", False),
        ("http://[::1]/x", False),
        ("http://odc.example:99999/x", False),
        ("ftp://odc.example/x", False),
    ],
)
def test_hosts_are_compared_as_a_whole(url: str, allowed: bool) -> None:
    hosts = Hosts("http://odc.example", ("vo.example", "store.example:82"))
    if allowed:
        hosts.check(url, "It names")
    else:
        with pytest.raises(HostNotAllowed):
            hosts.check(url, "It names")


@pytest.mark.parametrize(
    "url",
    [
        "http://odc.example\\@evil.example/x",
        "http://odc.example#@evil.example/",
        "http://odc.example?@evil.example",
        "http://evil.example\\odc.example/",
        "http://odc.example%2eevil.example/",
        "http://odc.example\N{IDEOGRAPHIC FULL STOP}evil.example/",
        "http://odc.example\t.evil.example/",
        "http://odc.example\n@evil.example/",
        "http://odc.example\x00.evil.example/",
        "http://odc.example:80@evil.example:80/",
        "http://evil.example;odc.example/",
        "  http://evil.example/",
        "//evil.example/x",
    ],
)
def test_a_url_that_is_read_in_two_ways_leads_to_no_other_host(url: str) -> None:
    """What is allowed here is where httpx, or pyvo by requests, connects to."""
    httpx = pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
    requests = pytest.importorskip("requests", reason="needs requests, which pyvo brings")
    try:
        Hosts("http://odc.example").check(url, "It names")
    except OpenKM3Error:
        return
    prepared = requests.Request("GET", url).prepare().url
    assert urlsplit(str(prepared)).netloc == "odc.example"
    assert httpx.URL(url).host == "odc.example"


def test_a_secure_server_cannot_send_its_clients_to_an_insecure_one() -> None:
    with pytest.raises(HostNotAllowed):
        Hosts("https://odc.example").check("http://odc.example/x", "It names")


@pytest.mark.parametrize("host", ["http://x", "a b", "x/y", "x:port", "user@x", "x:999999"])
def test_a_wrong_host_is_refused_as_a_setting(host: str) -> None:
    with pytest.raises(OpenKM3Error, match="is not a host name"):
        Settings.find(hosts=[host])


TABLE = b"""<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>
<FIELD name="a" datatype="int"/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>
</RESOURCE></VOTABLE>"""


def with_service(tap: str) -> dict[str, Any]:
    return {
        "ktype": "km3.resource.service.scs",
        "service": {"table": "a.main", "tap": tap, "scs": tap},
    }


def test_a_service_on_another_host_is_not_queried(hostile: Hostile, inside: Hostile) -> None:
    pytest.importorskip("pyvo", reason="needs pyvo: run it in the science environment")
    hostile.publish(**with_service(f"{inside.url}/tap"))
    service: Any = KM3Store().get("x20_01")
    for ask in (service.get_tap, service.get_scs, service.get_dataframe):
        with pytest.raises(HostNotAllowed, match="OPENKM3_HOSTS"):
            ask()
    assert inside.requests == []


def test_a_service_cannot_redirect_to_another_host(hostile: Hostile, inside: Hostile) -> None:
    pytest.importorskip("pyvo", reason="needs pyvo: run it in the science environment")
    hostile.publish(**with_service("tap"))
    hostile.answers["/tap/sync"] = redirect(f"{inside.url}/secret")
    service: Any = KM3Store().get("x20_01")
    with pytest.raises(HostNotAllowed, match="The service leads to"):
        service.get_dataframe()
    hostile.answers["/tap/sync"] = send(TABLE)
    assert list(service.get_dataframe().columns) == ["a"]
    assert inside.requests == []


def test_an_answer_of_a_service_has_a_largest_size(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyvo", reason="needs pyvo: run it in the science environment")
    monkeypatch.setenv("OPENKM3_MAX_DOWNLOAD", "1e6")
    hostile.publish(**with_service("tap"))
    service: Any = KM3Store().get("x20_01")
    hostile.answers["/tap/sync"] = endless
    with pytest.raises(DownloadError, match="limit of 1 MB"):
        service.get_dataframe()
    bomb = gzip.compress(b" " * 50_000_000)
    hostile.answers["/tap/sync"] = send(bomb, Content_Encoding="gzip")
    with pytest.raises(DownloadError, match="compressed"):
        service.get_dataframe()
