"""The proxy's node packages in embedded mode, and the node that runs them."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

from km3settings.state import PROXY_ORIGINS, PROXY_SCRIPT
from km3up.command import attempt, run
from km3up.failure import Failure

__all__ = ["NodePackages"]

PROBLEM = (
    "The proxy could not be installed. The first start needs the network; run the same command"
    " again when it is available. The installer's output:"
)

#: The proxy's own requirement.
OLDEST_NODE = 20


class NodePackages:
    """configurable-http-proxy from the committed lock, with node from the PATH or from PyPI."""

    def __init__(self, *, root: Path, folder: Path, python: Path = Path(sys.executable)) -> None:
        self.root = root
        self.folder = folder
        self.python = python
        self.source = root / "images" / "proxy"

    def _fingerprint(self) -> str:
        files = ("package-lock.json", PROXY_ORIGINS)
        return hashlib.sha256(b"".join((self.source / f).read_bytes() for f in files)).hexdigest()

    def is_current(self) -> bool:
        """Returns whether the packages are installed as locked and node is available."""
        stamp = self.folder / ".installed"
        return (
            stamp.exists()
            and stamp.read_text() == self._fingerprint()
            and (self.folder / PROXY_SCRIPT).exists()
            and bool(self._find("node"))
        )

    def node(self) -> str:
        """Returns the node that runs the proxy.

        Raises
        ------
        Failure
            If neither the PATH nor the virtual environment has node >= 20.
        """
        found = self._find("node")
        if not found:
            raise Failure("Node.js >= 20 is missing; run: make up")
        return found

    def install(self) -> None:
        """Install node where it is missing, then the packages."""
        if not self._find("node"):
            lock = self.root / "platform" / "locks" / "node.txt"
            uv = str(self.python.with_name("uv"))
            install = [uv, "--quiet", "pip", "install", "--python", str(self.python)]
            run([*install, "--require-hashes", "-r", str(lock)], problem=PROBLEM)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", PROXY_ORIGINS):
            shutil.copyfile(self.source / name, self.folder / name)
        npm = self._find("npm")
        if not npm:
            raise Failure(
                f"there is no npm next to {self.node()}; install npm, or remove node from the PATH"
                " so that the platform installs its own"
            )
        options = ["--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"]
        run([npm, "ci", "--prefix", str(self.folder), *options], problem=PROBLEM)
        (self.folder / ".installed").write_text(self._fingerprint())

    def _find(self, name: str) -> str | None:
        own = self.python.with_name(name)
        node = shutil.which("node")
        if node and _version(node) >= OLDEST_NODE:
            return shutil.which(name)
        return str(own) if own.exists() else None


def _version(node: str) -> int:
    answer = attempt([node, "--version"], seconds=10)
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found[1]) if found else 0
