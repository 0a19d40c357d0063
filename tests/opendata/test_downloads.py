from __future__ import annotations

import asyncio
import base64
import hashlib

import httpx
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from opendata.api.downloads import wanted
from opendata.records import publishing
from opendata.records.models import Account
from tests.loops import in_a_loop

from .records import ECSV, published
from .running import Server

PATH = "/storage/cnt24_01/1.0/counts.ecsv"
SIZE = len(ECSV)


@pytest.fixture
def file(curator: Account, reviewer: Account) -> None:
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


@pytest.mark.parametrize("text", ["bytes=5-2", "lines=1-2", "bytes=0-1,5-6", "bytes=-", "nonsense"])
def test_ranges_that_are_not_understood_give_everything(web: Client, file: None, text: str) -> None:
    answer = web.get(PATH, headers={"Range": text})
    assert (answer.status_code, answer.getvalue()) == (200, ECSV)


@pytest.mark.parametrize("text", [f"bytes={SIZE}-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(web: Client, file: None, text: str) -> None:
    answer = web.get(PATH, headers={"Range": text})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{SIZE}")


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 100))
def test_ranges_stay_inside_of_the_file(first: int, last: int, size: int) -> None:
    try:
        found = wanted(f"bytes={first}-{last}", size)
    except ValueError:
        assert first >= size
        return
    if found is None:
        assert last < first
    else:
        assert 0 <= found[0] <= found[1] < size


def test_etag_saves_the_second_download_and_digest_is_the_sha256(web: Client, file: None) -> None:
    answer = web.get(PATH)
    digest = hashlib.sha256(ECSV).digest()
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert web.get(PATH, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    other = web.get(PATH, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert other.status_code == 200


def test_a_withdrawn_file_is_gone_and_says_why(
    web: Client, curator: Account, reviewer: Account
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
