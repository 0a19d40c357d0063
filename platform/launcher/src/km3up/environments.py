"""The Python environments of embedded mode, installed from the locks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from km3up.command import run
from km3up.version import BUILD_VARIABLE, version_of

__all__ = ["Installer"]

#: The platform's own distributions in an environment; in others the client library and PDF export.
OWN = {
    "lab": ("lab", "pdf"),
    "joint": ("openkm3", "nugamma", "pdf"),
    "opendata": ("openkm3", "tap", "opendata"),
}
#: Environments without a kernel: those of the platform's programs.
PROGRAMS = ("lab", "opendata")

PROBLEM = (
    "An environment could not be installed. The first start needs the network and about 3 GB of"
    " disk space. Run the same command again; finished parts are kept. The installer's output:"
)


class Installer:
    """Installs programs' and science environments below one folder, each from its lock.

    Parameters
    ----------
    root
        The checkout.
    folder
        Where the environments go, one folder each.
    """

    def __init__(self, *, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder

    def _lock(self, name: str) -> Path:
        return self.root / "platform" / "locks" / f"{name}.txt"

    def _own(self, name: str) -> tuple[str, ...]:
        return OWN.get(name, ("openkm3", "pdf"))

    def _python_of(self, name: str) -> str:
        """Returns the version of an environment's Python, which may differ from the caller's."""
        try:
            lines = (self.folder / name / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except OSError:
            return ""
        return next((s.split("=")[1].strip() for s in lines if s.startswith("version")), "")

    def _fingerprint(self, name: str) -> str:
        content = self._python_of(name).encode() + self._lock(name).read_bytes()
        content += " ".join(self._own(name)).encode()
        return hashlib.sha256(content).hexdigest()

    def has_kernel(self, name: str) -> bool:
        """Returns whether there is a lock for a notebook environment of this name.

        The other locks are for programs and builds.
        """
        lock = self._lock(name)
        if name in PROGRAMS or not lock.exists():
            return False
        return any(line.startswith("ipykernel==") for line in lock.read_text("utf-8").splitlines())

    def is_current(self, name: str) -> bool:
        """Returns whether `name` is installed as locked."""
        prefix = self.folder / name
        stamp = prefix / ".installed"
        # The link is broken where its Python was removed.
        if not stamp.exists() or not (prefix / "bin" / "python").exists():
            return False
        return stamp.read_text(encoding="utf-8") == self._fingerprint(name)

    def packages(self, name: str) -> int:
        """Return how many packages of the lock of `name` this machine needs."""
        lines = self._lock(name).read_text("utf-8").splitlines()
        pinned = [line.rstrip(" \\") for line in lines if line[:1].isalnum() and "==" in line]
        found = [Requirement(line) for line in pinned]
        return sum(item.marker is None or item.marker.evaluate() for item in found)

    def install(self, name: str) -> None:
        """Install `name` without compiling it; the next call completes an interrupted one.

        Compiling takes ten times as long as installing from a filled cache, and Python compiles
        by itself what it imports: :meth:`compile` does the rest, when nobody waits for it.

        Raises
        ------
        Failure
            With uv's last lines, where packages could not be downloaded or the disk is full.
        """
        prefix = self.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (prefix / "bin" / "python").exists():
            self._uv("venv", "--clear", "--python", sys.executable, str(prefix))
        target = ["--python", str(prefix / "bin" / "python")]
        constraints = ["--build-constraints", str(self._lock("uv"))]
        self._uv("pip", "sync", *target, *constraints, "--require-hashes", str(self._lock(name)))
        own = [
            word for part in self._own(name) for word in ("-e", str(self.root / "platform" / part))
        ]
        self._uv("pip", "install", *target, *constraints, "--no-deps", *own)
        if name != "opendata":
            python = str(prefix / "bin" / "python")
            run([python, "-m", "km3pdf.register"], problem=PROBLEM)
        if name not in PROGRAMS:
            self._kernel(prefix, self._python_of(name))
        (prefix / ".installed").write_text(self._fingerprint(name), encoding="utf-8")

    def is_compiled(self, name: str) -> bool:
        """Whether the bytecode of the installed `name` is complete."""
        stamp = self.folder / name / ".compiled"
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self._fingerprint(name)

    def compile(self, name: str) -> None:
        """Compile all modules of the installed `name`, so that servers and kernels start sooner.

        A module that cannot be compiled here (for another Python, say) is left out.
        """
        prefix = self.folder / name
        python = str(prefix / "bin" / "python")
        command = [python, "-m", "compileall", "-q", "-j", "0", str(prefix / "lib")]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (prefix / ".compiled").write_text(self._fingerprint(name), encoding="utf-8")

    def _kernel(self, prefix: Path, version: str) -> None:
        version = ".".join(version.split(".")[:2])
        python = str(prefix / "bin" / "python")
        names = ["--name", "python3", "--display-name", f"KM3NeT (Python {version})"]
        run(
            [python, "-m", "ipykernel", "install", "--prefix", str(prefix), *names], problem=PROBLEM
        )

    def _uv(self, *arguments: str) -> None:
        uv = str(Path(sys.executable).with_name("uv"))
        environment = {**os.environ, BUILD_VARIABLE: version_of(self.root)}
        run([uv, "--quiet", *arguments], problem=PROBLEM, environment=environment)
