"""The Python environments of embedded mode, installed from the locks."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from km3up.command import run

__all__ = ["Installer"]

#: The platform's own distributions in an environment, as far as not the client library alone.
OWN = {
    "lab": ("lab", "pdf"),
    "joint": ("openkm3", "nugamma", "pdf"),
    "opendata": ("openkm3", "opendata"),
}
#: Environments without a kernel of their own: those of the platform's programs.
PROGRAMS = ("lab", "opendata")

PROBLEM = (
    "An environment could not be installed. The first start needs the network and about 3 GB of"
    " disk; what is there is kept, run the same command again. The installer said:"
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
        """The version of the Python that an environment has, which the caller's need not be."""
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
        """Whether the checkout can install an environment of this name for notebooks.

        Other locks are those of programs and of the build.
        """
        lock = self._lock(name)
        if name in PROGRAMS or not lock.exists():
            return False
        return any(line.startswith("ipykernel==") for line in lock.read_text("utf-8").splitlines())

    def is_current(self, name: str) -> bool:
        """Whether `name` is installed as its lock says."""
        prefix = self.folder / name
        stamp = prefix / ".installed"
        # A link that leads nowhere: the Python that it was made with is gone.
        if not stamp.exists() or not (prefix / "bin" / "python").exists():
            return False
        return stamp.read_text(encoding="utf-8") == self._fingerprint(name)

    def install(self, name: str) -> None:
        """Install `name`; an interrupted installation is completed by the next call.

        Raises
        ------
        Failure
            With uv's last words where packages could not be fetched or the disk is full.
        """
        prefix = self.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (prefix / "bin" / "python").exists():
            self._uv("venv", "--clear", "--python", sys.executable, str(prefix))
        target = ["--python", str(prefix / "bin" / "python")]
        constraints = ["--build-constraints", str(self._lock("uv"))]
        self._uv(
            "pip", "sync", *target, *constraints, "--require-hashes", "--compile-bytecode",
            str(self._lock(name)),
        )  # fmt: skip
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

    def _kernel(self, prefix: Path, version: str) -> None:
        version = ".".join(version.split(".")[:2])
        python = str(prefix / "bin" / "python")
        names = ["--name", "python3", "--display-name", f"KM3NeT (Python {version})"]
        run(
            [python, "-m", "ipykernel", "install", "--prefix", str(prefix), *names], problem=PROBLEM
        )

    def _uv(self, *arguments: str) -> None:
        uv = str(Path(sys.executable).with_name("uv"))
        run([uv, "--quiet", *arguments], problem=PROBLEM)
