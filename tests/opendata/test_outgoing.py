"""The portal sends requests to other hosts through one guarded client only."""

from __future__ import annotations

import ast
from pathlib import Path

import adqlite
import opendata

_GUARDED = "adqlite/uploads/remote.py"
_CLIENTS = {
    "aiohttp",
    "astropy.utils.data",
    "ftplib",
    "http.client",
    "httpx",
    "openkm3.alerts.feed",
    "openkm3.cache",
    "openkm3.library",
    "openkm3.openio",
    "openkm3.store",
    "pyvo",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _uses_a_client(path: Path) -> bool:
    return any(
        name == client or name.startswith(f"{client}.")
        for name in _imported(path)
        for client in _CLIENTS
    )


def test_only_the_guarded_client_of_uploads_sends_requests() -> None:
    folders = [Path(str(package.__file__)).parent for package in (adqlite, opendata)]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(sources) > 150
    found = {
        f"{path.parents[1].name}/{path.parent.name}/{path.name}"
        for path in sources
        if _uses_a_client(path)
    }
    assert found == {_GUARDED}
