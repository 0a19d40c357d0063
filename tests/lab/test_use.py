"""Memory, processor and disk in JupyterLab's status bar."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from km3lab.fullness import Fullness
from km3lab.notices import Notices
from km3lab.surroundings import Surroundings
from km3lab.use import ServerUse
from tests.lab.running import LabServer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

StartLab = Callable[..., LabServer]


def measured(folder: Path, **uses: tuple[int, int]) -> ServerUse:
    around = Surroundings(home=folder, memory_limit=1 << 30, cpu_limit=2.0)
    fullness = Fullness(around, Notices(), logging.getLogger())
    fullness.uses.update(uses)
    return ServerUse(around, None, fullness)


def test_the_quota_counts_where_there_is_one(tmp_path: Path) -> None:
    found = asyncio.run(measured(tmp_path, home=(30, 100)).now())
    assert found["disk"] == {"used": 30, "limit": 100, "free": 70}
    assert found["memory"]["limit"] == 1 << 30
    assert found["memory"]["used"] > 1 << 20
    assert found["cpu"] == {"used": None, "limit": 2.0}


def test_without_a_quota_it_is_the_free_space_of_the_disk(tmp_path: Path) -> None:
    disk = asyncio.run(measured(tmp_path).now())["disk"]
    assert disk["limit"] is None
    assert disk["free"] > 0
    gone = asyncio.run(measured(tmp_path / "gone").now())["disk"]
    assert gone == {"used": None, "limit": None, "free": None}


def test_many_tabs_share_a_measurement(tmp_path: Path) -> None:
    use = measured(tmp_path)

    async def ask() -> list[object]:
        return list(await asyncio.gather(*(use.now() for _ in range(20))))

    answers = asyncio.run(ask())
    assert all(answer is answers[0] for answer in answers)


def test_a_busy_kernel_is_seen_and_asking_is_no_activity(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home, KM3_SIZE="small")
    assert httpx.get(f"{server.url}km3/use", timeout=60).status_code == httpx.codes.FORBIDDEN
    server.api("GET", "/km3/use")
    kernel = server.new_kernel()
    server.run(kernel, "import time\nx = bytearray(100_000_000)\nwhile True: pass", wait=0)

    def busy() -> bool:
        now = server.api("GET", "/km3/use")
        return (now["cpu"]["used"] or 0) > 0.1 and now["memory"]["used"] > 100_000_000

    wait_until(busy, seconds=90, what="memory and processor of the kernel", interval=1)


def test_status_bar_and_menu_entries_work_in_a_browser(
    start_lab: StartLab, home: Path, chromium: Browser
) -> None:
    (home / "Läufe").mkdir()
    (home / "Läufe" / "a.txt").write_text("a")
    (home / "old.txt").write_text("old")
    server = start_lab(home, container="docker")
    server.api("DELETE", "/api/contents/old.txt")
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{server.url}lab?token={server.token}")
    for name in ("memory", "disk", "cpu"):
        page.locator(f"#jp-main-statusbar [data-km3-use={name}]").wait_for(timeout=120_000)
    item = page.locator(".jp-DirListing-item", has_text="Läufe")
    item.click(button="right")
    with page.expect_download(timeout=120_000) as download:
        page.get_by_text("Download Folder as Zip").click()
    assert download.value.suggested_filename == "Läufe.zip"
    page.locator(".jp-DirListing-content").click(button="right", position={"x": 40, "y": 300})
    with page.expect_popup(timeout=120_000) as deleted:
        page.get_by_text("Deleted Files…").click()
    deleted.value.get_by_role("button", name="Restore old.txt").click()
    deleted.value.get_by_text("Restored: old.txt").wait_for(timeout=60_000)
    assert (home / "old.txt").read_text() == "old"
    page.close()
