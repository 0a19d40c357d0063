from __future__ import annotations

import asyncio
import base64
import hashlib
from email import message_from_bytes

import httpx
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from opendata.accounts.models import User
from opendata.api.ranges import MOST_RANGES, NotSatisfiable, wanted
from opendata.records import publishing
from tests.loops import in_a_loop

from .records import ECSV, published
from .running import Server, run

PATH = "/storage/cnt24_01/1.0/counts.ecsv"
SIZE = len(ECSV)


@pytest.fixture
def file(curator: User, reviewer: User) -> None:
    published(curator, reviewer)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-9", ECSV[:10]),
        ("bytes=10-", ECSV[10:]),
        ("bytes=-7", ECSV[-7:]),
        (f"bytes=0-{SIZE + 100}", ECSV),
        (f"bytes={SIZE - 1}-", ECSV[-1:]),
    ],
)
def test_a_range_gives_that_part(web: Client, file: None, text: str, part: bytes) -> None:
    answer = web.get(PATH, headers={"Range": text})
    assert answer.status_code == 206
    assert answer.getvalue() == part
    assert answer["Content-Length"] == str(len(part))


@pytest.mark.parametrize("text", ["bytes=5-2", "lines=1-2", "bytes=0-1,x", "bytes=-", "nonsense"])
def test_ranges_that_are_not_understood_give_everything(web: Client, file: None, text: str) -> None:
    answer = web.get(PATH, headers={"Range": text})
    assert (answer.status_code, answer.getvalue()) == (200, ECSV)


@pytest.mark.parametrize("text", [f"bytes={SIZE}-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(web: Client, file: None, text: str) -> None:
    answer = web.get(PATH, headers={"Range": text})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{SIZE}")


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1), st.integers(1, 99)
)
def test_ranges_stay_inside_of_the_file(asked: list[tuple[int, int]], size: int) -> None:
    text = "bytes=" + ",".join(f"{first}-{last}" for first, last in asked)
    sound = all(first <= last for first, last in asked)
    try:
        found = wanted(text, size)
    except NotSatisfiable:
        assert all(first >= size for first, _ in asked)
        return
    assert all(0 <= start <= stop < size for start, stop in found)
    assert len(found) <= 1 or sum(stop - start + 1 for start, stop in found) <= size
    assert sound or not found


def test_several_ranges_come_as_the_parts_of_one_answer(web: Client, file: None) -> None:
    answer = web.get(PATH, headers={"Range": f"bytes=0-4, 10-12,{SIZE + 5}-,-3"})
    body = answer.getvalue()
    assert answer.status_code == 206
    assert answer["Content-Length"] == str(len(body))
    message = message_from_bytes(
        b"Content-Type: " + answer["Content-Type"].encode() + b"\r\n\r\n" + body
    )
    parts = [(part["Content-Range"], part.get_payload(decode=True)) for part in message.walk()][1:]
    assert parts == [
        (f"bytes 0-4/{SIZE}", ECSV[:5]),
        (f"bytes 10-12/{SIZE}", ECSV[10:13]),
        (f"bytes {SIZE - 3}-{SIZE - 1}/{SIZE}", ECSV[-3:]),
    ]


@pytest.mark.parametrize("text", ["0-," * 2 + "0-", "0-0," * (MOST_RANGES + 1)])
def test_ranges_that_ask_for_more_than_the_file_give_it_once(
    web: Client, file: None, text: str
) -> None:
    answer = web.get(PATH, headers={"Range": f"bytes={text}"})
    assert (answer.status_code, answer.getvalue()) == (200, ECSV)


def test_head_knows_no_ranges(web: Client, file: None) -> None:
    answer = web.head(PATH, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer["Content-Length"]) == (200, str(SIZE))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"a", {etag}'}, 304),
        ({"If-None-Match": '"a"'}, 200),
        ({"If-Modified-Since": "{date}"}, 304),
        ({"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "{date}", "If-None-Match": '"a"'}, 200),
        ({"If-Match": '"a"'}, 412),
        ({"If-Match": "{etag}"}, 200),
        ({"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        ({"Range": "bytes=0-3", "If-Range": "{date}"}, 206),
        ({"Range": "bytes=0-3", "If-Range": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"Range": "bytes=0-3", "If-Range": "W/{etag}"}, 200),
        ({"Range": "bytes=0-3", "If-None-Match": "{etag}"}, 304),
    ],
)
def test_conditions_are_kept(web: Client, file: None, headers: dict[str, str], status: int) -> None:
    first = web.get(PATH)
    known = {"etag": first["ETag"], "date": first["Last-Modified"]}
    asked = {key: value.format(**known) for key, value in headers.items()}
    assert web.get(PATH, headers=asked).status_code == status


def test_uproot_reads_a_root_file_over_http(seeded_server: Server) -> None:
    uproot = pytest.importorskip("uproot", reason="needs uproot: pip install opendata[root]")
    # Of its ways to read over HTTP the one that asks for many ranges at once.
    source_of_ranges = pytest.importorskip("uproot.source.http").HTTPSource
    testdata = pytest.importorskip("km3net_testdata", reason="needs km3net-testdata: make test")
    source = testdata.data_path("offline/km3net_offline.root")
    options = ["--identifier", "root24_01", "--accept-findings", "a test"]
    run(seeded_server.variables, "import", "file", source, *options)
    url = seeded_server.get("/api/v1/records/root24_01/files/").json()[0]["url"]
    with uproot.open(url, handler=source_of_ranges) as there, uproot.open(source) as here:
        name = "E/Evt/frame_index"
        assert there[name].array(library="np").tolist() == here[name].array(library="np").tolist()


def test_etag_saves_the_second_download_and_digest_is_the_sha256(web: Client, file: None) -> None:
    answer = web.get(PATH)
    digest = hashlib.sha256(ECSV).digest()
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert web.get(PATH, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    other = web.get(PATH, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert other.status_code == 200


def test_a_withdrawn_file_is_gone_and_its_page_says_why(
    web: Client, curator: User, reviewer: User
) -> None:
    publishing.withdraw(published(curator, reviewer), reviewer, "Wrong calibration.")
    answer = web.get(PATH)
    assert answer.status_code == 410
    assert b"Wrong calibration" in answer.content


def test_the_address_of_former_years_leads_to_the_file(web: Client, file: None) -> None:
    assert web.get("/storage/counts.ecsv")["Location"] == PATH


@pytest.mark.parametrize(
    "path",
    [
        "/storage/../opendata.sqlite",
        "/storage/%2e%2e/x/y",
        "/storage/cnt24_01/1.0/..%2f..%2fx",
        "/storage/a%00b",
    ],
)
def test_path_tricks_find_nothing(web: Client, file: None, path: str) -> None:
    assert web.get(path).status_code == 404


@in_a_loop
async def test_two_hundred_ranges_at_once_give_the_whole_file(antares_server: Server) -> None:
    record = antares_server.get("/api/v1/records/ana20_01_vo/files/").json()[0]
    size, url = record["size"], record["url"]
    step = -(-size // 200)
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        answers = await asyncio.gather(
            *(
                client.get(url, headers={"Range": f"bytes={start}-{start + step - 1}"})
                for start in range(0, size, step)
            )
        )
    assert {answer.status_code for answer in answers} == {206}
    content = b"".join(answer.content for answer in answers)
    assert hashlib.sha256(content).hexdigest() == record["sha256"]
