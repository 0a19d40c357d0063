"""A whole workshop in containers: one step per test, each on the work of those before."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.servers import start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import escaped
from tests.hub.docker.play.play import NAME, PAUL, PIA, TEACHER, Play
from tests.hub.teaching.notebook_page import open_notebook, toast, write
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

#: Limits of homes, and no scratch folders.
SETTINGS = """
homes: {quota: 60M, backend: image}
sizes:
  - {name: small, memory: 1G, cpu: 1}
  - {name: medium, memory: 2G, cpu: 1}
"""
WORK = "workshop/play/work.ipynb"


@pytest.fixture(scope="module")
def play(
    start_site: StartSite, volumes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Play]:
    site = start_site(SETTINGS, project="km3play")
    yield Play(site, tmp_path_factory.mktemp("organiser"))
    # Before the fixture `volumes` ends.
    site.platform.stop()


def cell(lab: Page) -> Locator:
    return lab.locator(".jp-Notebook .cm-content").first


def run_cell(lab: Page, text: str) -> None:
    write(lab, cell(lab), text)
    lab.keyboard.press("Control+Enter")


def output(lab: Page, text: str) -> Locator:
    return lab.locator(".jp-OutputArea-output").filter(has_text=text).first


def test_1_the_organiser_creates_it_and_prints_cards(play: Play) -> None:
    many = ("--participants=2", "--teachers=1", "--environment=stack", "--size=small")
    play.ok("create", NAME, *many, "--until=2999-01-31")
    play.ok("handout", NAME, "--output=cards")
    (cards,) = (play.folder / "cards").glob("*.pdf")
    assert cards.read_bytes().startswith(b"%PDF-")
    play.read_cards()
    assert play.passwords.keys() == {PIA, PAUL, TEACHER}


def test_2_it_is_rehearsed_and_the_rehearsal_leaves_nothing(play: Play) -> None:
    quick = ("--within=0", "--hold=0", "--cells=1", "--abandon=0", "--ready-within=600")
    done = play.command("rehearse", NAME, "--users=1", *quick, "--output=rehearsal", timeout=600)
    # 1: this machine is too small for more; that is a result, too.
    assert done.returncode in (0, 1), done.stderr
    written = (play.folder / "rehearsal" / "rehearsal.json").read_text()
    assert written, done.stderr
    report = json.loads(written)
    assert [one["failed"] for one in report["participants"]] == [None], report
    assert not [name for name in play.site.servers() if "rehearsal" in name]
    kept = [v.name for v in play.site.engine.volumes.list() if "km3play" in v.name]
    assert not [name for name in kept if "rehearsal" in name]


def test_3_servers_start_ahead(play: Play) -> None:
    play.ok("start", NAME)
    ready = {play.site.names.server(escaped(name)) for name in (PIA, PAUL)}
    assert ready <= set(play.site.servers())


def test_4_a_participant_works(play: Play, chromium: Browser) -> None:
    notebook = {
        "cells": [
            {"cell_type": "code", "id": "one", "metadata": {}, "execution_count": None,
             "outputs": [], "source": ""}
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    code, said = play.shell(
        PIA, f"mkdir -p workshop/play && echo '{json.dumps(notebook)}' > {WORK}"
    )
    assert code == 0, said
    lab = play.page(chromium, PIA, "/hub/user-redirect/lab?reset")
    lab.locator("#jp-main-dock-panel").wait_for()
    open_notebook(lab, WORK)
    run_cell(lab, "kept = 6 * 7; print(kept)")
    output(lab, "42").wait_for()
    lab.keyboard.press("Control+s")
    wait_until(
        lambda: "6 * 7" in play.shell(PIA, f"cat {WORK}")[1], seconds=60, what="the work is saved"
    )
    code, said = play.shell(PAUL, "mkdir -p results && seq 1000 > results/numbers.txt")
    assert code == 0, said


def test_5_a_message_and_a_file_reach_everybody(play: Play, chromium: Browser) -> None:
    teacher = play.page(chromium, TEACHER, f"/hub/workshops/{NAME}")
    teacher.get_by_label("Message").fill("Coffee at four")
    teacher.get_by_role("button", name="Send", exact=True).click()
    teacher.get_by_text("The message was sent.").wait_for()
    note = toast(play.pages[PIA], "Coffee at four")
    note.wait_for()
    note.get_by_role("button", name="Got it").click()
    sheet = play.folder / "sheet.md"
    sheet.write_text("# Questions\n")
    teacher.get_by_label("File", exact=True).set_input_files(sheet)
    teacher.get_by_role("button", name="Publish", exact=True).click()
    teacher.get_by_text("The file was published.").wait_for()
    for name in (PIA, PAUL):
        wait_until(
            lambda name=name: play.has(name, "workshop/play/sheet.md"),  # type: ignore[misc]
            seconds=90,
            what=f"the file has arrived at {name}",
        )


def test_6_answers_are_collected(play: Play, chromium: Browser) -> None:
    assert play.shell(PIA, "echo mine > workshop/play/sheet.md")[0] == 0
    teacher = play.page(chromium, TEACHER, f"/hub/workshops/{NAME}")
    teacher.get_by_label(re.compile("Path below")).fill("workshop/play/sheet.md")
    teacher.get_by_role("button", name="Collect", exact=True).click()
    wait_until(
        lambda: "2 of 2" in play.page(chromium, TEACHER, f"/hub/workshops/{NAME}").content(),
        seconds=120,
        interval=2,
        what="both files are collected",
    )
    with teacher.expect_download() as download:
        teacher.get_by_role("link", name="Download").first.click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.read(f"{PIA}/workshop/play/sheet.md") == b"mine\n"
        assert packed.read(f"{PAUL}/workshop/play/sheet.md") == b"# Questions\n"


def test_7_the_hub_is_killed_and_kernels_go_on(play: Play, chromium: Browser) -> None:
    lab = play.pages[PIA]
    hub = play.site.container(play.site.names.hub)
    before = hub.attrs["State"]["StartedAt"]
    hub.kill()

    def started_again() -> bool:
        hub.reload()
        again = hub.attrs["State"]["StartedAt"] != before
        return bool(again and hub.attrs["State"].get("Health", {}).get("Status") == "healthy")

    wait_until(started_again, seconds=240, interval=1, what="the hub runs again")
    run_cell(lab, "print('still', kept)")
    output(lab, "still 42").wait_for()


def test_8_a_killed_server_starts_again_with_its_files(play: Play) -> None:
    paul = play.person(PAUL)
    play.site.server(paul).kill()
    with paul.client() as client:
        wait_until(
            lambda: not client.get(f"/hub/api/users/{PAUL}").json()["servers"],
            seconds=180,
            interval=1,
            what="the hub has noticed it",
        )
    start_server(paul)
    assert play.shell(PAUL, "tail -1 results/numbers.txt") == (0, "1000\n")


def test_9_a_full_home_harms_nobody(play: Play) -> None:
    code, said = play.shell(PAUL, "dd if=/dev/urandom of=results/large bs=1M count=100")
    assert code != 0
    assert "No space left" in said or "quota" in said.lower()
    assert play.shell(PAUL, "tail -1 results/numbers.txt") == (0, "1000\n")
    assert play.shell(PIA, "seq 10 > workshop/play/fits.txt")[0] == 0
    assert play.shell(PAUL, "truncate -s 1M results/large && echo more > results/more")[0] == 0


def test_a_kernel_without_memory_is_explained(play: Play) -> None:
    lab = play.pages[PIA]
    run_cell(lab, "large = b'x' * (3 << 30)")
    note = lab.locator(".Toastify__toast").filter(has_text=re.compile("memory")).first
    note.wait_for()
    open_notebook(lab, WORK)
    run_cell(lab, "print('back', 6 * 7)")
    output(lab, "back 42").wait_for()
    lab.keyboard.press("Control+s")
    wait_until(
        lambda: "back" in play.shell(PIA, f"cat {WORK}")[1], seconds=60, what="the work is saved"
    )


def test_b_it_is_closed_and_everybody_downloads_every_file(play: Play, chromium: Browser) -> None:
    play.pages.pop(PIA).context.close()
    for name in (PIA, PAUL):
        play.note_checksums(name)
    assert WORK in play.checksums[PIA]
    assert {"results/numbers.txt", "results/large"} <= play.checksums[PAUL].keys()
    play.ok("close", NAME, "--yes", "--links=links.csv")
    assert not [name for name in play.site.servers() if escaped(PIA) in name]
    text = (play.folder / "links.csv").read_text(encoding="utf-8-sig")
    rows = {row["account"]: row for row in csv.DictReader(text.splitlines())}
    context = chromium.new_context(accept_downloads=True)
    context.set_default_timeout(120_000)
    for name in (PIA, PAUL):
        page = context.new_page()
        page.goto(next(value for value in rows[name].values() if "/hub/archive#" in value))
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        with zipfile.ZipFile(download.value.path()) as packed:
            found = {
                path: hashlib.sha256(packed.read(f"home/{path}")).hexdigest()
                for path in play.checksums[name]
            }
        assert found == play.checksums[name]
        page.close()
    context.close()
