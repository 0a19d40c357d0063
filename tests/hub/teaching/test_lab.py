"""A workshop in a browser: a teacher's page beside a participant's real JupyterLab."""

from __future__ import annotations

import json
import os
import re
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub
from tests.hub.teaching.conftest import CONFIG
from tests.hub.teaching.notebook_page import open_notebook, toast, write
from tests.lab.running import kernels_prefix, require_lab
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LAB = """
from km3hub.configure.restarting import configure_restarting

configure_restarting(c, platform, runtime)
c.Spawner.cmd = [{python!r}, "-I", "-m", "km3lab"]
c.Spawner.environment = {{"KM3_KERNELS": {kernels!r}, "KM3_TUTORIALS": "/nonexistent"}}
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.Spawner.default_url = "/lab"
"""
EVIL = "Coffee <img src=x onerror=document.title='owned'> at **four**"
MINE = "my_own_work = 42"


@pytest.fixture(scope="module")
def lab_hub(start_hub: StartHub, password: str) -> RunningHub:
    """A hub that starts real servers."""
    lab = LAB.format(python=str(require_lab()), kernels=str(kernels_prefix()))
    hub = start_hub(config=CONFIG + lab)
    hub.accounts.add("tess", password, groups=("workshop-school-teachers",))
    hub.accounts.add("pia", password, groups=("workshop-school",))
    return hub


Open = Callable[[str, str], "Page"]


@pytest.fixture(scope="module")
def open_page(chromium: Browser, lab_hub: RunningHub, password: str) -> Iterator[Open]:
    """A function that opens a page as a user, who is logged in once."""
    pages: dict[str, Page] = {}

    def open_page(name: str, path: str) -> Page:
        if name not in pages:
            context = chromium.new_context(base_url=lab_hub.url, accept_downloads=True)
            context.set_default_timeout(120_000)
            pages[name] = context.new_page()
            pages[name].goto("/hub/login")
            pages[name].get_by_label("User name").fill(name)
            pages[name].get_by_label("Password", exact=True).fill(password)
            pages[name].get_by_role("button", name="Log in").click(no_wait_after=True)
            pages[name].wait_for_url(re.compile(r"/(lab|hub/(home|spawn))"))
        pages[name].goto(path)
        return pages[name]

    yield open_page
    for page in pages.values():
        page.context.close()


@pytest.fixture
def home(lab_hub: RunningHub) -> Path:
    """The home of the participant."""
    return lab_hub.folder / "homes" / "pia"


@pytest.fixture
def lab(open_page: Open) -> Page:
    """The JupyterLab of the participant."""
    page = open_page("pia", "/hub/user-redirect/lab?reset")
    page.locator("#jp-main-dock-panel").wait_for()
    return page


def write_notebook(file: Path, source: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cell = {
        "cell_type": "code",
        "id": "only",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file.write_text(json.dumps(content))


def send(teacher: Page, text: str) -> None:
    teacher.get_by_label("Message").fill(text)
    teacher.get_by_role("button", name="Send", exact=True).click()
    teacher.get_by_text("The message was sent.").wait_for()


def test_a_message_stays_as_plain_text_until_it_is_dismissed(open_page: Open, lab: Page) -> None:
    teacher = open_page("tess", "/hub/workshops/school")
    send(teacher, EVIL)
    note = lab.locator(".Toastify__toast").filter(has_text="tess (teacher)").first
    note.wait_for()
    assert EVIL in note.inner_text()
    lab.reload()
    lab.locator("#jp-main-dock-panel").wait_for()
    note.wait_for()
    assert lab.title() != "owned"
    note.get_by_role("button", name="Got it").click()
    note.wait_for(state="detached")
    wait_until(
        lambda: "dismissed by 1" in open_page("tess", "/hub/workshops/school").content(),
        seconds=60,
        what="the teacher sees that it was read",
    )


def test_a_published_file_arrives_beside_changed_work(
    open_page: Open, lab: Page, home: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.md"
    sheet.write_text("# First\n")
    place = home / "workshop" / "school" / "sheet.md"

    def publish() -> None:
        teacher = open_page("tess", "/hub/workshops/school")
        teacher.get_by_label("File", exact=True).set_input_files(sheet)
        teacher.get_by_role("button", name="Publish", exact=True).click()
        teacher.get_by_text("The file was published.").wait_for()

    publish()
    wait_until(place.exists, seconds=60, what="the file has arrived")
    assert place.read_text() == "# First\n"
    place.write_text("my answers")
    sheet.write_text("# Second\n")
    publish()
    beside = place.with_name("sheet.new.md")
    wait_until(beside.exists, seconds=60, what="the new version has arrived")
    assert beside.read_text() == "# Second\n"
    assert place.read_text() == "my answers"
    teacher = open_page("tess", "/hub/workshops/school")
    teacher.get_by_label(re.compile("Path below")).fill("workshop/school/sheet.md")
    teacher.get_by_role("button", name="Collect", exact=True).click()
    toast(lab, "Your teachers collected sheet.md").wait_for()
    teacher = open_page("tess", "/hub/workshops/school")
    teacher.get_by_text("1 of 1").first.wait_for()
    with teacher.expect_download() as download:
        teacher.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.read("pia/workshop/school/sheet.md") == b"my answers"


def test_work_that_cannot_be_saved_can_be_downloaded(
    open_page: Open, lab: Page, home: Path
) -> None:
    write_notebook(home / "thesis" / "work.ipynb", "")
    write(lab, open_notebook(lab, "thesis/work.ipynb"), MINE)
    # The folder disappears below the open notebook.
    (home / "thesis").rename(home / "moved")
    lab.keyboard.press("Control+s")
    note = lab.locator(".Toastify__toast").filter(has_text="work.ipynb could not be saved").first
    note.wait_for()
    # Lab's own dialog about the failure covers the page.
    dialog = lab.locator(".jp-Dialog")
    if dialog.count():
        dialog.first.get_by_role("button").last.click()
    with lab.expect_download() as download:
        note.get_by_role("button", name="Download it as it is here").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert MINE in "".join(saved["cells"][0]["source"])
    # Each button closes its notice. It is back as long as the work is not saved.
    note.filter(has_text="You have downloaded a copy").wait_for()
    note.get_by_role("button", name="Save again").click()
    dialog.first.get_by_role("button").last.click()
    note.filter(has_text="in this browser tab only").wait_for()
    (home / "moved").rename(home / "thesis")
    note.get_by_role("button", name="Save again").click()
    note.wait_for(state="detached")
    assert MINE in (home / "thesis" / "work.ipynb").read_text()


def test_an_interrupted_connection_is_explained_and_everything_is_saved_after_it(
    lab: Page, home: Path
) -> None:
    write_notebook(home / "train.ipynb", "")
    editor = open_notebook(lab, "train.ipynb")
    lab.context.set_offline(True)
    write(lab, editor, MINE)
    lost = toast(lab, "The connection to your server is interrupted")
    lost.wait_for()
    lab.context.set_offline(False)
    lost.wait_for(state="detached")
    wait_until(
        lambda: MINE in (home / "train.ipynb").read_text(), seconds=60, what="the work is saved"
    )


def test_the_hub_restarts_while_somebody_works(lab_hub: RunningHub, lab: Page, home: Path) -> None:
    write_notebook(home / "long.ipynb", "kept = 6 * 7")
    editor = open_notebook(lab, "long.ipynb")
    editor.click()
    lab.keyboard.press("Control+Enter")
    lab.locator(".jp-InputPrompt").filter(has_text="[1]:").first.wait_for()
    assert lab_hub.process
    os.kill(lab_hub.process.pid, signal.SIGKILL)
    lab_hub.process.wait()
    toast(lab, "The hub is restarting").wait_for()
    lab_hub.start()
    toast(lab, "The hub is restarting").wait_for(state="detached")
    write(lab, editor, "print(kept)")
    lab.keyboard.press("Control+Enter")
    lab.locator(".jp-OutputArea-output").filter(has_text="42").first.wait_for()
