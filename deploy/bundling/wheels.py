"""The Python packages that `make up` needs, as wheels for a machine without network."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import IO

import click

__all__ = ["LOCKS", "PYTHONS", "fetch", "write"]

#: Those of Debian 12, Ubuntu 24.04 and Debian 13.
PYTHONS = ("3.11", "3.12", "3.13")
#: What `platform/launcher/bootstrap.py hub` installs.
LOCKS = ("uv", "hub", "launcher")
#: Debian's and Docker's names of the architectures, and Python's.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LIBRARIES = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


def fetch(locks: Path, folder: Path, *, architecture: str) -> None:
    """Download the wheels of the locks for every Python; those that are there are kept.

    Raises
    ------
    click.ClickException
        If a package has no wheel, cannot be fetched, or differs from the lock.
    """
    machine = _MACHINES[architecture]
    folder.mkdir(parents=True, exist_ok=True)
    older = [f"manylinux_2_{n}" for n in range(33, 4, -1) if n not in (28, 17)]
    platforms = [f"--platform={name}_{machine}" for name in (*_LIBRARIES, *older)]
    chosen = [word for lock in LOCKS for word in ("-r", str(locks / f"{lock}.txt"))]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp",
        f"--dest={folder}", f"--find-links={folder}", *platforms, *chosen,
    ]  # fmt: skip
    for python in PYTHONS:
        done = subprocess.run(
            [*command, f"--python-version={python}"], capture_output=True, text=True
        )
        if done.returncode:
            words = "\n  ".join(done.stderr.strip().splitlines()[-4:])
            raise click.ClickException(f"the wheels for Python {python} are missing:\n  {words}")


def write(folder: Path, stream: IO[bytes]) -> dict[str, int]:
    """Write all wheels of a folder as a tar file.

    Returns
    -------
    dict
        Bytes of the files (`size`) and of their content unpacked (`installed`).
    """
    sizes = {"size": 0, "installed": 0}
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for wheel in sorted(folder.glob("*.whl")):
            tar.add(wheel, wheel.name, filter=_plain)
            sizes["size"] += wheel.stat().st_size
            with zipfile.ZipFile(wheel) as content:
                sizes["installed"] += sum(entry.file_size for entry in content.infolist())
    return sizes


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o644
    return info
