"""npm packages for tests, installed from their lock."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from filelock import FileLock

from tests.commands import run

ROOT = Path(__file__).parents[1]


class NoPackages(Exception):
    """The packages are not available; the message says how to change that."""


def installed(source: Path, name: str) -> Path:
    """Return the folder with the packages of ``source/package-lock.json``.

    Raises
    ------
    NoPackages
        npm is missing, or cannot fetch them.
    """
    npm = shutil.which("npm")
    if not npm:
        raise NoPackages("needs node >= 20 and npm on the PATH (apt-get install nodejs npm)")
    folder = ROOT / ".platform" / name
    folder.mkdir(parents=True, exist_ok=True)
    lock = (source / "package-lock.json").read_bytes()
    stamp = folder / ".installed"
    with FileLock(folder / ".lock"):
        if stamp.exists() and stamp.read_text() == hashlib.sha256(lock).hexdigest():
            return folder
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(source / file, folder / file)
        options = ["--no-audit", "--no-fund", "--loglevel=error"]
        done = run(npm, "ci", "--prefix", folder, *options, status=None)
        if done.returncode:
            raise NoPackages(
                f"needs npm packages (the network, once): {done.stderr.strip()[-300:]}"
            )
        stamp.write_text(hashlib.sha256(lock).hexdigest())
    return folder
