"""Files that teachers publish and collect, and what nobody gets by that."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from km3hub.teaching.blobs import LARGEST
from tests.hub.running import Client, RunningHub
from tests.hub.teaching.conftest import page, post

LogIn = Callable[[str], Client]
ServerOf = Callable[[str], httpx.Client]
EVIL = '"><script>alert(1)</script>.ipynb'


def publish(
    browser: Client, name: str, content: bytes, *, workshop: str = "school", **fields: str
) -> httpx.Response:
    return browser.post(
        f"/hub/workshops/{workshop}/files",
        data={**fields, "_xsrf": browser.xsrf()},
        files={"file": (name, content)},
    )


def news(server: httpx.Client, **report: object) -> dict[str, Any]:
    (workshop,) = server.post("/workshops", json=report).json()["workshops"]
    found: dict[str, Any] = workshop
    return found


def file_of(server: httpx.Client, name: str) -> dict[str, Any]:
    (found,) = [one for one in news(server)["files"] if one["name"] == name]
    one: dict[str, Any] = found
    return one


def ask_for(teacher: Client, server: httpx.Client, path: str) -> int:
    """Collect a file; the number of the collection, from the view of a participant's server."""
    assert post(teacher, "school/collections", path=path).status_code == 303
    return max(int(one["id"]) for one in news(server)["collections"] if one["path"] == path)


def test_a_published_file_reaches_every_participant(log_in: LogIn, server_of: ServerOf) -> None:
    content = os.urandom(300_000)
    assert publish(log_in("tess"), "sheet.ipynb", content, read_only="yes").status_code == 303
    with server_of("pia") as server:
        file = file_of(server, "sheet.ipynb")
        assert file["read_only"] is True
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        got = server.get(f"/workshops/school/files/{file['id']}")
        assert got.content == content
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        arrived = {"file": file["id"], "place": "workshop/school/sheet.ipynb"}
        assert all(one["id"] != file["id"] for one in news(server, arrived=[arrived])["files"])
    assert "Arrived at 1 of 2" in page(log_in("tess"))
    # A new version of the same name arrives again; the old one is gone.
    publish(log_in("tess"), "sheet.ipynb", b"second")
    with server_of("pia") as server:
        newer = file_of(server, "sheet.ipynb")
        assert newer["id"] != file["id"]
        assert server.get(f"/workshops/school/files/{file['id']}").status_code == 404
    taken = post(log_in("tess"), "school/files/withdraw", file=str(newer["id"]))
    assert taken.status_code == 303
    with server_of("pia") as server:
        assert server.get(f"/workshops/school/files/{newer['id']}").status_code == 404


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\tess\\a.ipynb", "a.ipynb"),
        (EVIL, None),
        ("übung 1.ipynb", "übung 1.ipynb"),
        (".bashrc", None),
        ("..", None),
        ("x" * 200, None),
        ("a\u202eb.ipynb", None),
    ],
)
def test_names_of_published_files_are_those_of_visible_files(
    log_in: LogIn, server_of: ServerOf, name: str, stored: str | None
) -> None:
    answer = publish(log_in("tess"), name, b"x")
    text = page(log_in("tess"))
    assert "<script>alert" not in text
    with server_of("pia") as server:
        names = [one["name"] for one in news(server)["files"]]
    assert all("/" not in one and "\\" not in one and one[0] != "." for one in names)
    if stored:
        assert answer.status_code == 303
        assert stored in names
    elif answer.status_code != 303:
        assert answer.status_code == 400
        assert "Traceback" not in answer.text


def test_what_is_too_large_or_missing_is_refused(log_in: LogIn) -> None:
    teacher = log_in("tess")
    answer = publish(teacher, "large.bin", b"x" * (LARGEST + 1))
    assert answer.status_code == 400
    assert "20 MB" in answer.text
    nothing = post(teacher, "school/files", read_only="yes")
    assert nothing.status_code == 400
    assert "Choose one file" in nothing.text


def test_a_collected_file_is_a_snapshot_that_its_owner_sees(
    log_in: LogIn, server_of: ServerOf
) -> None:
    teacher = log_in("tess")
    content = os.urandom(200_000)
    with server_of("pia") as pia, server_of("paul") as paul:
        number = ask_for(teacher, pia, "tutorials/01-events.ipynb")
        address = f"/workshops/school/collections/{number}"
        sent = pia.put(address, content=content)
        assert sent.json()["sha256"] == hashlib.sha256(content).hexdigest()
        # Once only: what was collected does not change.
        assert pia.put(address, content=b"other").status_code == 409
        assert paul.post(address, json={"trouble": "missing"}).status_code == 204
        assert all(one["id"] != number for one in news(pia)["collections"])
    text = page(teacher)
    assert "1 of 2" in text
    assert "paul: there is no such file" in text
    assert hashlib.sha256(content).hexdigest() in page(log_in("pia"))
    assert hashlib.sha256(content).hexdigest() not in page(log_in("paul"))
    answer = teacher.get(f"/hub/workshops/school/collections/{number}.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.read("pia/tutorials/01-events.ipynb") == content
        assert all(not name.startswith("/") and ".." not in name for name in archive.namelist())
        rows = list(csv.DictReader(io.StringIO(archive.read("collected.csv").decode())))
        assert {row["user"]: row["remark"] for row in rows} == {
            "pia": "",
            "paul": "there is no such file",
        }
        sums = archive.read("SHA256SUMS").decode()
        assert sums.startswith(hashlib.sha256(content).hexdigest())
    gone = post(teacher, "school/collections/delete", collection=str(number))
    assert gone.status_code == 303
    assert teacher.get(f"/hub/workshops/school/collections/{number}.zip").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".ssh/id_rsa",
        "~/.ssh/id_rsa",
        "tutorials/../.ssh/id_rsa",
        "tutorials/.ipynb_checkpoints/x",
        "/etc/passwd",
        "private/diary.txt",
        "tutorials",
        "tutorials\\..\\x",
        "tutorials/a\nb",
        "tutorials/" + "x" * 400,
    ],
)
def test_other_files_of_participants_cannot_be_collected(log_in: LogIn, path: str) -> None:
    answer = post(log_in("tess"), "school/collections", path=path)
    assert answer.status_code == 400
    assert "Write the path of a file below workshop/ or tutorials/" in answer.text


def test_a_participant_cannot_fill_the_disk(log_in: LogIn, server_of: ServerOf) -> None:
    with server_of("pia") as server:
        number = ask_for(log_in("tess"), server, "tutorials/large.bin")
        address = f"/workshops/school/collections/{number}"
        assert server.put(address, content=b"x" * (LARGEST + 1)).status_code == 413

        def endless() -> Any:
            for _ in range((LARGEST >> 20) + 2):
                yield b"x" * (1 << 20)

        # Without a length, in pieces.
        assert server.put(address, content=endless()).status_code == 413
        for body in ({"trouble": EVIL}, {"trouble": None}, {}, [], {"trouble": {}}):
            assert server.post(address, json=body).status_code == 400
        assert server.post(address, json={"trouble": "large"}).status_code == 204
        # What nobody asked for is refused with the reason, too, however large it is.
        assert server.put(address, content=b"x" * LARGEST).status_code == 409
        assert server.put(address, content=endless()).status_code == 409


def test_only_participants_servers_get_and_send_files(
    hub: RunningHub, log_in: LogIn, server_of: ServerOf
) -> None:
    publish(log_in("tess"), "secret.ipynb", b"for school")
    with server_of("pia") as pia, server_of("olga") as other, server_of("tess") as teachers:
        number = file_of(pia, "secret.ipynb")["id"]
        collection = ask_for(log_in("tess"), pia, "tutorials/x.ipynb")
        for server in (other, teachers):
            for workshop in ("school", "other"):
                answer = server.get(f"/workshops/{workshop}/files/{number}")
                assert answer.status_code in (403, 404)
                address = f"/workshops/{workshop}/collections/{collection}"
                assert server.put(address, content=b"x").status_code in (403, 409)
        # Nor does a participant of another workshop mark anything as arrived.
        other.post("/workshops", json={"arrived": [{"file": number, "place": "x"}]})
        assert file_of(pia, "secret.ipynb")
    for path in (
        f"/workshops/school/files/{number}",
        f"/workshops/school/collections/{collection}",
    ):
        assert httpx.get(f"{hub.url}/hub/api{path}").status_code in (403, 405)
        assert httpx.put(f"{hub.url}/hub/api{path}", content=b"x").status_code in (403, 405)


FORMS = [
    ("files", {}),
    ("files/withdraw", {"file": "1"}),
    ("collections", {"path": "tutorials/x.ipynb"}),
    ("collections/delete", {"collection": "1"}),
]


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize("who", ["pia", "thor", "solo", "ada"])
def test_nobody_else_publishes_or_collects(
    log_in: LogIn, who: str, path: str, fields: dict[str, str]
) -> None:
    assert post(log_in(who), f"school/{path}", **fields).status_code == 403
    assert publish(log_in(who), "x.ipynb", b"x").status_code == 403
    assert log_in(who).get("/hub/workshops/school/collections/1.zip").status_code == 403


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_forged_forms_are_refused(log_in: LogIn, path: str, fields: dict[str, str]) -> None:
    answer = log_in("tess").post(f"/hub/workshops/school/{path}", data=fields)
    assert answer.status_code == 403


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 40, "\u0661"])
def test_numbers_that_are_none_are_refused(log_in: LogIn, value: str) -> None:
    answer = post(log_in("tess"), "school/files/withdraw", file=value)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_a_teacher_reaches_nothing_of_another_workshop(log_in: LogIn, server_of: ServerOf) -> None:
    publish(log_in("thor"), "theirs.ipynb", b"x", workshop="other")
    with server_of("olga") as server:
        number = file_of(server, "theirs.ipynb")["id"]
    assert post(log_in("tess"), "school/files/withdraw", file=str(number)).status_code == 404
    assert post(log_in("tess"), "other/files/withdraw", file=str(number)).status_code == 403
