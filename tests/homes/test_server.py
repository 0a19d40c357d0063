"""The socket: who may connect, and what may be asked."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from km3homes.server import Server
from km3hub.spawning.homes import HomesError, HomesService, homes_trouble
from tests.homes.conftest import MB, service, settings, volume

Disk = Callable[..., Path]


@asynccontextmanager
async def serving(root: Path, folder: Path, backend: str) -> AsyncIterator[Path]:
    homes = service(root, backend, settings(folder, "homes: {quota: 40M}"))
    path = folder / "homes.sock"
    listening = await Server(homes, path).start()
    async with listening:
        yield path


async def ask(path: Path, line: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    writer.write_eof()
    answer: dict[str, Any] = json.loads(await reader.readline())
    writer.close()
    return answer


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"no json\n",
        b"[]\n",
        b'{"do": "mount", "user": "ada"}\n',
        b'{"do": "usage", "user": "ada", "path": "/"}\n',
        b'{"do": "usage", "user": ["ada"]}\n',
        b'{"do": "usage", "kind": "state", "user": "ada"}\n',
        b'{"do": "remove", "user": "../../etc"}\n',
        b'{"do": "usage", "user": "nobody"}\n',
        b'{"do": "usage", "user": "' + b"a" * (1 << 17) + b'"}\n',
    ],
)
def test_anything_else_is_refused_in_a_sentence(tmp_path: Path, line: bytes) -> None:
    volume(tmp_path, "ada")

    async def attempt() -> dict[str, Any]:
        async with serving(tmp_path, tmp_path, "none") as path:
            return await ask(path, line)

    answer = asyncio.run(attempt())
    assert list(answer) == ["error"]
    assert (tmp_path / "km3test-home-ada" / "_data").is_dir()


def test_only_root_and_the_hub_may_connect(disk: Disk, tmp_path: Path) -> None:
    disk("ext4")  # skips without root

    async def look() -> tuple[int, int]:
        async with serving(tmp_path, tmp_path, "none") as path:
            found = path.stat()
            return stat.S_IMODE(found.st_mode), found.st_uid

    assert asyncio.run(look()) == (0o600, 1000)


def test_the_hub_prepares_lists_and_removes_a_home(disk: Disk, tmp_path: Path) -> None:
    root = disk("ext4")
    place = volume(root, "ada")
    (place.files / "old").write_text("kept")

    async def use() -> None:
        async with serving(root, tmp_path, "image") as path:
            hub = HomesService(path)
            copied: list[tuple[int, int]] = []

            async def prepare(unused: bool) -> Any:
                return await hub.prepare(
                    "home", "ada", ["x"], unused=unused, copied=lambda *n: copied.append(n)
                )

            assert await prepare(False) is None
            found = await prepare(True)
            assert found.limit == pytest.approx(40 * MB, abs=MB)
            assert (place.files / "old").read_text() == "kept"
            assert [(u.user, u.kind, u.limit) for u in await hub.all()] == [
                ("ada", "home", found.limit)
            ]
            assert (await hub.usage("home", "ada")).used < MB
            await hub.remove("home", "ada")
            with pytest.raises(HomesError, match="there is no volume km3test-home-bob"):
                await hub.usage("home", "bob")

    asyncio.run(use())
    assert list(place.files.iterdir()) == []


def test_a_service_that_does_not_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HomesError, match="the service homes does not answer"):
        asyncio.run(HomesService(tmp_path / "none").all())


def test_the_hub_knows_whether_it_works(tmp_path: Path) -> None:
    """For the status page, `km3hub check` and the numbers."""
    volume(tmp_path, "ada")

    async def asked() -> str:
        async with serving(tmp_path, tmp_path, "none") as path:
            return await asyncio.to_thread(homes_trouble, path)

    assert asyncio.run(asked()) == ""
    # The socket of a service that ended is left.
    assert "does not answer: Connection refused" in homes_trouble(tmp_path / "homes.sock")
    assert "does not answer: No such file" in homes_trouble(tmp_path / "none.sock")


@pytest.mark.parametrize("line", [b"", b"no json\n", b"{}\n", b'{"homes": [{"used": -1}]}\n'])
def test_another_program_at_its_socket_is_trouble(tmp_path: Path, line: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(line)
        writer.close()

    async def asked() -> str:
        path = tmp_path / "other.sock"
        async with await asyncio.start_unix_server(answer, path):
            return await asyncio.to_thread(homes_trouble, path)

    found = asyncio.run(asked())
    assert found.startswith("the service homes")


def test_a_service_that_hangs_is_trouble(tmp_path: Path) -> None:
    path = tmp_path / "hangs.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        assert "did not answer within 0.2 s" in homes_trouble(path, timeout=0.2)
