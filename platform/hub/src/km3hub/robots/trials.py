"""Trying one tutorial, and the data services, in a kernel of a user's server."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from km3hub.robots.results import Result, shortened
from km3hub.robots.tutorials import FOLDER, Tutorial
from km3visit.errors import CellError, VisitError
from km3visit.kernel import Kernel, open_kernel
from km3visit.notebook import open_folder
from km3visit.site import Person

__all__ = ["SERVICES", "Service", "try_service", "try_tutorial"]

#: Seconds that one cell may take.
CELL = 900
#: Seconds that a trial of a data service may take.
_SERVICE = 180

_TAP = """
import os, urllib.parse, urllib.request
query = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": "csv",
         "QUERY": "SELECT TOP 3 table_name FROM tap_schema.tables"}
data = urllib.parse.urlencode(query).encode()
with urllib.request.urlopen(os.environ["KM3_TAP_URL"] + "/sync", data, timeout=60) as answer:
    lines = answer.read().decode().split()
assert lines[0].strip('"') == "table_name" and len(lines) > 1, f"TAP answers {lines[:4]}"
print(len(lines) - 1, "tables listed")
"""
_DOWNLOAD = """
import hashlib, json, os, urllib.request
server = os.environ["OPENKM3_SERVER"].rstrip("/")
def get(path):
    with urllib.request.urlopen(server + path, timeout=120) as answer:
        return answer.read()
records = json.loads(get("/api/v1/records/"))
records = records.get("results", records) if isinstance(records, dict) else records
tried = 0
for record in records:
    files = json.loads(get(f"/api/v1/records/{record['identifier']}/files/"))
    files = files.get("results", files) if isinstance(files, dict) else files
    small = [f for f in files if f.get("size", 0) < 50_000_000]
    if not small:
        continue
    path = urllib.request.urlparse(small[0]["url"]).path
    content = get(path)
    assert len(content) == small[0]["size"], f"{path}: {len(content)} bytes"
    expected = small[0].get("sha256")
    assert not expected or hashlib.sha256(content).hexdigest() == expected, f"{path}: wrong sha256"
    tried = len(content)
    break
assert tried, "no record has a file"
print(tried, "bytes, checksum right")
"""
#: Submitted by one account as a test, refused by another one, and never public.
_ALERT = """
import datetime, json, os, secrets, urllib.error, urllib.request
server = os.environ["OPENKM3_SERVER"].rstrip("/")
def ask(path, token="", data=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(server + path, data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())
# A sender who may also sign would publish at once. There is no alert of this number.
try:
    ask("/alerts/incoming/999999999999/refuse/", SENDER, b"")
    allowed = True
except urllib.error.HTTPError as error:
    allowed = error.code != 403
assert not allowed, "the account that sends must not be allowed to sign alerts"
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
mark = secrets.token_hex(6)
document = {"mission": "KM3NeT", "messenger": "Neutrino", "instrument": "ARCA028",
            "pipeline": "arca_HE", "alert_tense": "test", "alert_type": "initial",
            "record_number": 1, "alert_datetime": now, "trigger_time": now,
            "id": "km3.robot." + mark, "event_name": "KM3-ROBOT-" + mark,
            "ra": 0.0, "dec": 0.0, "ra_dec_error": 10.0,
            "alert_topology": "Track", "number_of_events": 1}
notice = ask("/alerts/incoming/", SENDER, json.dumps(document).encode())
try:
    assert notice["state"] == "waiting", f"the alert is {notice['state']}, not waiting"
    assert notice["role"] == "test", f"the alert has the role {notice['role']}, not test"
    waiting = ask("/alerts/incoming/", SIGNER)
    assert notice["number"] in [one["number"] for one in waiting], "the signer does not see it"
finally:
    refused = ask(f"/alerts/incoming/{notice['number']}/refuse/", SIGNER, b"")
assert refused["state"] == "refused", f"the alert is {refused['state']}, not refused"
public = [one["id"] for one in ask("/alerts/feed.json")["alerts"]]
assert notice["id"] not in public, "the test alert became public"
print("submitted, seen by the signer, refused")
"""


@dataclass(frozen=True)
class Service:
    """A data service, and the cell that tries it as a user does."""

    name: str
    title: str
    cell: str


SERVICES = (
    Service("tap", "A query of the Virtual Observatory", _TAP),
    Service("download", "A download of a record", _DOWNLOAD),
    Service("alert", "A test alert", _ALERT),
)


async def try_tutorial(person: Person, tutorial: Tutorial, here: str, *, portal: bool) -> Result:
    """Returns what came of running all cells of a tutorial.

    Parameters
    ----------
    person
        The robots' account, with a running server.
    tutorial
        The tutorial.
    here
        The environment of the server.
    portal
        Whether there is an Open Data Center.
    """
    name, title = f"tutorial-{tutorial.number}", f"{tutorial.number} {tutorial.title}"
    if tutorial.needs_portal and not portal:
        message = "not tried: there is no Open Data Center here"
        return Result(name=name, title=title, works=None, message=message)

    async def run(kernel: Kernel) -> tuple[str, dict[str, object] | None]:
        await open_folder(kernel, FOLDER)
        output = ""
        for number, cell in enumerate(tutorial.cells, start=1):
            try:
                output = await kernel.run(cell, limit=CELL)
            except VisitError as error:
                raise VisitError(f"cell {number}: {_sentence(error)}") from None
        numbers = _numbers(output)
        if not numbers:
            raise VisitError("the last cell printed no numbers")
        return f"{len(numbers)} numbers are right ({here})", numbers

    return await _try(person, name, title, run)


async def try_service(person: Person, service: Service, secrets: dict[str, str]) -> Result:
    """Returns what came of trying a data service.

    Parameters
    ----------
    person
        The robots' account, with a running server.
    service
        The service.
    secrets
        Tokens of the portal, by the name that the cell gives them.
    """
    prefix = "".join(f"{name} = {value!r}\n" for name, value in secrets.items())

    async def run(kernel: Kernel) -> tuple[str, dict[str, object] | None]:
        return (await kernel.run(prefix + service.cell, limit=_SERVICE)).strip(), None

    return await _try(person, service.name, service.title, run)


async def _try(
    person: Person,
    name: str,
    title: str,
    run: Callable[[Kernel], Awaitable[tuple[str, dict[str, object] | None]]],
) -> Result:
    began = time.monotonic()
    try:
        async with open_kernel(person) as kernel:
            message, numbers = await run(kernel)
        works = True
    except VisitError as error:
        works, message, numbers = False, _sentence(error), None
    seconds = round(time.monotonic() - began, 1)
    return Result(
        name=name, title=title, works=works, message=shortened(message), seconds=seconds,
        numbers=numbers,
    )  # fmt: skip


def _sentence(error: VisitError) -> str:
    """Returns the sentence of an assertion where there is one, else the error with its type."""
    if isinstance(error, CellError) and error.name == "AssertionError" and error.value:
        return error.value
    return str(error)


def _numbers(output: str) -> dict[str, object]:
    """Returns the numbers in the last line of a tutorial."""
    try:
        found = json.loads((output.strip().splitlines() or [""])[-1])["numbers"]
    except (ValueError, KeyError, TypeError):
        return {}
    return dict(found) if isinstance(found, dict) else {}
