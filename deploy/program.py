"""Build `deploy/.build/km3host.pyz`: what the roles install on machines, in one file.

The file contains `platform/host`, `platform/visitor` and the pure Python packages that it needs,
from their lock. A machine runs it with its own Python and downloads nothing. The same sources
always give the same bytes, so that a second run of a playbook changes nothing. Does nothing if the
file is current.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The distributions in the program: `km3host visit` uses km3visit.
SOURCES = (ROOT / "platform" / "host" / "src", ROOT / "platform" / "visitor" / "src")
LOCK = ROOT / "platform" / "locks" / "host.txt"
UV = ROOT / ".venv" / "bin" / "uv"
PROGRAM = ROOT / "deploy" / ".build" / "km3host.pyz"


class BuildError(Exception):
    """The program could not be built; the message says why and what to do."""


def sources() -> list[Path]:
    """Return our own files that go into the program."""
    return sorted(path for folder in SOURCES for path in folder.rglob("*.py") if path.is_file())


def fingerprint() -> str:
    """Return a digest of all that the program is built from."""
    content = hashlib.sha256()
    for path in (Path(__file__), LOCK, *sources()):
        content.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return content.hexdigest()


def install_packages(folder: Path) -> None:
    """Install the packages of the lock into a folder.

    Raises
    ------
    BuildError
        If they cannot be fetched, or one is compiled for a kind of machine.
    """
    command = [UV, "--quiet", "pip", "install", "--python", sys.executable, "--target", folder]
    done = subprocess.run(
        [*map(str, command), "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        words = "\n  ".join(done.stderr.strip().splitlines()[-8:])
        raise BuildError(f"{PROGRAM.name} was not built; run the same command again:\n  {words}")
    compiled = [path.name for path in folder.rglob("*.so")]
    if compiled:
        raise BuildError(
            f"{', '.join(compiled)}: compiled for this machine only. platform/host may depend on"
            " pure Python packages only; change its pyproject.toml, then: make lock"
        )
    for leftover in (*folder.glob("bin"), *folder.glob(".lock"), *folder.rglob("direct_url.json")):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def build(program: Path) -> None:
    """Write the program; a file of that name is always complete."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install_packages(folder)
        # What an installer notes about itself differs from machine to machine.
        for record in folder.glob("*.dist-info"):
            for note in ("INSTALLER", "RECORD", "REQUESTED"):
                (record / note).unlink(missing_ok=True)
        for path in sources():
            source = next(source for source in SOURCES if path.is_relative_to(source))
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (folder / "__main__.py").write_text("from km3host.cli import main\n\nmain()\n")
        pack(folder, program)


def pack(folder: Path, program: Path) -> None:
    """Write a folder to a zip archive that Python runs; a file of that name is always complete."""
    draft = program.with_suffix(".part")
    with zipfile.ZipFile(draft, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            # With a fixed date and mode, so that the same files always give the same bytes.
            entry = zipfile.ZipInfo(str(path.relative_to(folder)))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    draft.rename(program)


def main() -> None:
    """Bring the program up to date."""
    stamp = PROGRAM.with_suffix(".from")
    if PROGRAM.exists() and stamp.exists() and stamp.read_text() == fingerprint():
        return
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    try:
        build(PROGRAM)
    except BuildError as error:
        sys.exit(str(error))
    stamp.write_text(fingerprint())


if __name__ == "__main__":
    main()
