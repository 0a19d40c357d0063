"""Files deleted in JupyterLab can be restored for a while, and nothing is overwritten."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from km3lab.trash import Trash, TrashError
from tests.lab.running import LabServer

StartLab = Callable[..., LabServer]


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".local" not in path.parts
    }


def test_a_folder_comes_back_as_it_was(home: Path) -> None:
    (home / "runs" / "Läufe").mkdir(parents=True)
    (home / "runs" / "Läufe" / "a b%.txt").write_text("work")
    before = content(home)
    trash = Trash(home)
    assert trash.take(home / "runs")
    assert content(home) == {}
    (one,) = trash.listing()
    assert one.path == "runs"
    assert trash.restore(one.name) == "runs"
    assert content(home) == before
    assert trash.listing() == []


def test_restoring_never_overwrites(home: Path) -> None:
    trash = Trash(home)
    for text in ("first", "second"):
        (home / "a.txt").write_text(text)
        assert trash.take(home / "a.txt")
    (home / "a.txt").write_text("third")
    for one in trash.listing():
        trash.restore(one.name)
    assert sorted(content(home).values()) == ["first", "second", "third"]
    assert (home / "a.txt").read_text() == "third"


def test_a_missing_folder_is_made_again(home: Path) -> None:
    (home / "x").mkdir()
    (home / "x" / "a.txt").write_text("work")
    trash = Trash(home)
    trash.take(home / "x" / "a.txt")
    (home / "x").rmdir()
    assert trash.restore("a.txt") == "x/a.txt"
    assert (home / "x" / "a.txt").read_text() == "work"


def test_the_oldest_go_first_above_the_limit_and_old_ones_go(home: Path) -> None:
    trash = Trash(home, largest=250_000)
    for day, name in enumerate(("old", "middle", "new")):
        (home / name).write_bytes(os.urandom(100_000))
        trash.put(home / name)
        info = home / ".local/share/Trash/info" / f"{name}.trashinfo"
        lines = info.read_text().splitlines()
        year = lines[2].split("=")[1][:4]
        assert year.isdigit()
        info.write_text("\n".join([*lines[:2], lines[2][:-2] + f"{day:02d}"]) + "\n")
    trash.tidy()
    assert [one.name for one in trash.listing()] == ["new", "middle"]
    info = home / ".local/share/Trash/info/new.trashinfo"
    info.write_text(f"[Trash Info]\nPath={home}/new\nDeletionDate=2001-01-01T00:00:00\n")
    trash.tidy()
    assert [one.name for one in trash.listing()] == ["middle"]
    assert not (home / ".local/share/Trash/files/new").exists()


def test_a_nearly_full_home_keeps_nothing(home: Path) -> None:
    (home / "a.txt").write_text("work")
    assert not Trash(home, nearly_full=lambda: True).take(home / "a.txt")
    assert (home / "a.txt").exists()


@pytest.mark.parametrize("obstacle", ["link", "file"])
def test_a_hostile_trash_is_not_used(home: Path, tmp_path: Path, obstacle: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / ".local" / "share").mkdir(parents=True)
    place = home / ".local" / "share" / "Trash"
    if obstacle == "link":
        place.symlink_to(elsewhere)
    else:
        place.touch()
    (home / "a.txt").write_text("work")
    trash = Trash(home)
    assert not trash.take(home / "a.txt")
    assert trash.listing() == []
    trash.tidy(everything=True)
    assert list(elsewhere.iterdir()) == []


def test_hostile_entries_lead_nowhere(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("keep")
    trash = Trash(home)
    (home / "link").symlink_to(outside)
    trash.put(home / "link")
    infos, files = home / ".local/share/Trash/info", home / ".local/share/Trash/files"
    date = "DeletionDate=2026-01-01T00:00:00"
    paths = {"up": f"{home}/../outside/x", "out": f"{outside}/x", "home": f"{home}", "nul": "%00"}
    for name, path in paths.items():
        (files / name).write_text("evil")
        (infos / f"{name}.trashinfo").write_text(f"[Trash Info]\nPath={path}\n{date}\n")
    os.mkfifo(infos / "pipe.trashinfo")
    (files / "pipe").touch()
    (home / "way").symlink_to(outside)
    (files / "through").write_text("evil")
    (infos / "through.trashinfo").write_text(f"[Trash Info]\nPath={home}/way/x\n{date}\n")
    assert {one.name for one in trash.listing()} == {"link", "through"}
    for name in [*paths, "pipe", "through", "..", "../info/up", "", "no"]:
        with pytest.raises(TrashError, match=r"\.$"):
            trash.restore(name)
    trash.tidy(everything=True)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "keep"


def test_lab_moves_files_there_and_the_page_restores_them(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home, container="docker")
    (home / "runs").mkdir()
    (home / "runs" / "<b>.txt").write_text("work")
    server.api("DELETE", "/api/contents/runs")
    assert not (home / "runs").exists()
    (home / "empty.txt").touch()
    hidden = home / ".hidden"
    hidden.touch()
    assert not server.client.delete("/api/contents/.hidden").is_success
    assert hidden.exists()
    page = server.client.get("/km3/trash")
    assert "<td>runs</td>" in page.text
    (home / "<b>").write_text("markup")
    server.api("DELETE", "/api/contents/<b>")
    page = server.client.get("/km3/trash").text
    assert "<td>&lt;b&gt;</td>" in page
    answer = server.client.post("/km3/trash", data={"restore": "runs"})
    assert "Restored: runs" in answer.text
    assert (home / "runs" / "<b>.txt").read_text() == "work"
    assert server.client.post("/km3/trash", data={"restore": "runs"}).status_code == 409
    server.client.post("/km3/trash", data={"empty": "yes"})
    assert "There are none." in server.client.get("/km3/trash").text


def test_the_page_needs_a_login_and_its_forms_a_token(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home, container="docker")
    (home / "a.txt").write_text("work")
    server.api("DELETE", "/api/contents/a.txt")
    assert httpx.get(f"{server.url}km3/trash", timeout=60).status_code in (302, 403)
    with httpx.Client(base_url=server.url, timeout=60, follow_redirects=True) as browser:
        browser.get(f"/lab?token={server.token}")
        assert browser.get("/km3/trash").status_code == httpx.codes.OK
        assert (
            browser.post("/km3/trash", data={"empty": "yes"}).status_code == httpx.codes.FORBIDDEN
        )
    assert "a.txt" in server.client.get("/km3/trash").text
