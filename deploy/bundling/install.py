"""Install the KM3NeT platform from a bundle, on a machine without network.

Everything is verified before anything is changed. Running it again repairs an installation; a newer
bundle upgrades it. Needs Python's standard library, and an engine that is installed already:
Docker's packages would fit one release of one distribution only.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

FORMAT = 1
RECORD = ".bundle.json"
PREVIOUS = ".previous"
INCOMING = ".incoming"
#: What belongs to this machine; no bundle may bring it.
KEPT = {"config", ".platform", ".venv", RECORD, PREVIOUS, INCOMING}
PARTS = {"km3net-install", "install.py", "source.tar.gz", "wheels.tar", "images.tar.gz"}
_CHUNK = 1024**2
_MANIFEST_LIMIT = 1024**2
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class Refused(Exception):
    """The bundle cannot be installed here; nothing was changed."""


class Failed(Exception):
    """The installation was interrupted; running it again continues it."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was read.

    Parameters
    ----------
    path
        The file.
    manifest
        Its manifest.
    places
        Offset and size of each part, in bytes.
    """

    path: Path
    manifest: dict[str, Any]
    places: dict[str, tuple[int, int]]

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """Read the list of parts.

        Raises
        ------
        Refused
            If it is not a bundle, is incomplete, or contains something else.
        """
        places: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    if member.type != tarfile.REGTYPE or member.name in places:
                        raise Refused(
                            f"{path} contains {member.name!r}, which is not a part of it."
                        )
                    if member.name not in PARTS | {"manifest.json"}:
                        raise Refused(
                            f"{path} contains {member.name!r}, which is not a part of it."
                        )
                    places[member.name] = (member.offset_data, member.size)
            offset, size = places["manifest.json"]
            if size > _MANIFEST_LIMIT:
                raise Refused(f"the list of parts in {path} is too long.")
            with path.open("rb") as stream:
                stream.seek(offset)
                manifest = json.loads(stream.read(size))
            if manifest["format"] != FORMAT:
                raise Refused(f"{path} has a format that its own installer does not know.")
            if set(places) != PARTS | {"manifest.json"} or set(manifest["parts"]) != PARTS:
                raise Refused(f"{path} is incomplete; copy it again.")
        except (OSError, tarfile.TarError, ValueError, KeyError, TypeError):
            raise Refused(f"{path} is damaged or not a bundle; copy it again.") from None
        return cls(path, manifest, places)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        offset, left = self.places[name]
        with self.path.open("rb") as stream:
            stream.seek(offset)
            while left and (data := stream.read(min(left, _CHUNK))):
                left -= len(data)
                yield data

    def verify(self) -> None:
        """Compare every part with the manifest.

        Raises
        ------
        Refused
            If one is damaged.
        """
        for name, known in self.manifest["parts"].items():
            digest = hashlib.sha256()
            for data in self.chunks(name):
                digest.update(data)
            if self.places[name][1] != known["size"] or digest.hexdigest() != known["sha256"]:
                raise Refused(f"{name} in {self.path} is damaged; copy the bundle again.")

    def files(self, name: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
        """Yield folders and files of a part that is a tar file.

        Raises
        ------
        Refused
            If one is a link or a device, leads out of the folder, or is larger than announced.
        """
        left = int(self.manifest["unpacked"][name])
        with self.path.open("rb") as stream:
            stream.seek(self.places[name][0])
            packed = gzip.GzipFile(fileobj=stream) if name.endswith(".gz") else stream
            try:
                with tarfile.open(fileobj=packed, mode="r|") as tar:
                    for member in tar:
                        self._check(name, member)
                        left -= member.size
                        if left < 0:
                            raise Refused(f"{name} in {self.path} is larger than announced.")
                        yield member, tar.extractfile(member)
            except (tarfile.TarError, EOFError, gzip.BadGzipFile):
                raise Refused(f"{name} in {self.path} is damaged; copy it again.") from None

    def _check(self, name: str, member: tarfile.TarInfo) -> None:
        path = PurePosixPath(member.name)
        inside = path.parts and not path.is_absolute() and ".." not in path.parts
        if not inside or not (member.isdir() or member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)):
            raise Refused(f"{name} in {self.path} contains {member.name!r}, which is not allowed.")
        own = path.parts[0] in KEPT or (name == "source.tar.gz" and path.parts[0] == "wheels")
        if own or (name == "wheels.tar" and not re.fullmatch(r"[\w.+-]+\.whl", member.name)):
            raise Refused(f"{name} in {self.path} contains {member.name!r}, which is not allowed.")

    def unpack(self, name: str, folder: Path) -> None:
        """Write the files of a part below a folder that nobody else writes to."""
        for member, content in self.files(name):
            path = folder / member.name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                shutil.copyfileobj(content, stream, _CHUNK)
            path.chmod(0o755 if member.mode & 0o100 else 0o644)


class Docker:
    """The Docker Engine of this machine."""

    def answer(self, *arguments: str) -> str | None:
        """Return what a command prints; None if it fails or nothing answers within two minutes."""
        try:
            done = subprocess.run(
                ["docker", *arguments], capture_output=True, text=True, timeout=120
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def check(self, architecture: str) -> None:
        """Check that the engine answers, runs these images and has Compose.

        Raises
        ------
        Refused
            If not.
        """
        found = self.answer("version", "--format", "{{.Server.Arch}}")
        if found is None:
            raise Refused(
                "no Docker Engine answers; install and start one (Debian: docker.io and"
                " docker-compose), and join the group docker."
            )
        if found != architecture:
            raise Refused(f"the bundle is for {architecture}, and this Docker Engine is {found}.")
        if self.answer("compose", "version") is None and not shutil.which("docker-compose"):
            raise Refused("Docker Compose is missing; install docker-compose.")

    def missing(self, images: dict[str, str]) -> list[str]:
        """Return the names of images that the engine does not have as the bundle has them."""
        return [
            n for n, i in images.items() if self.answer("image", "inspect", "-f", "{{.Id}}", n) != i
        ]

    def load(self, bundle: Bundle) -> None:
        """Load the images that are missing, and name them as `make up` does.

        Raises
        ------
        Failed
            If the engine does not take them.
        """
        images = bundle.manifest["images"]
        if self.missing(images):
            command = ["docker", "load", "--quiet"]
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            ) as process:
                assert process.stdin is not None  # noqa: S101 - for the type checker
                assert process.stderr is not None  # noqa: S101 - for the type checker
                with suppress(BrokenPipeError):  # it says why below
                    for data in bundle.chunks("images.tar.gz"):
                        process.stdin.write(data)
                with suppress(BrokenPipeError):
                    process.stdin.close()
                words = process.stderr.read().decode(errors="replace").strip()
            if process.returncode:
                raise Failed(f"the Docker Engine did not load the images: {words}.")
        for name in images:
            if self.answer("tag", name, name.rpartition(":")[0] + ":latest") is None:
                raise Failed(f"the Docker Engine did not load the image {name}.")


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(p for p in (path, *path.parents) if p.exists())


def check_disk(bundle: Bundle, folder: Path, docker: Docker) -> None:
    """Check that the disks have room for what is unpacked.

    Raises
    ------
    Refused
        If one has not.
    """
    sizes = bundle.manifest["unpacked"]
    needed: dict[int, int] = {}
    where: dict[int, Path] = {}
    files = sizes["source.tar.gz"] + sizes["wheels.tar"] + bundle.manifest["environment"]
    wanted = [(existing(folder), files)]
    root = Path(docker.answer("info", "--format", "{{.DockerRootDir}}") or "")
    if root.is_absolute() and docker.missing(bundle.manifest["images"]):
        # The engine unpacks the archive to a temporary folder, and then its layers.
        wanted.append((existing(root), 2 * sizes["images.tar.gz"]))
    for path, size in wanted:
        disk = path.stat().st_dev
        needed[disk] = needed.get(disk, 0) + size
        where.setdefault(disk, path)
    for disk, size in needed.items():
        free = shutil.disk_usage(where[disk]).free
        if free < size:
            raise Refused(
                f"the disk of {where[disk]} has {free / 1e9:.1f} GB free, and {size / 1e9:.1f} GB"
                " are needed."
            )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one installation at a time change a folder.

    Raises
    ------
    Refused
        If another one is running.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused(f"another installation to {folder} is running.") from None
    finally:
        os.close(handle)


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared."""
    return tuple(int(word) for word in re.findall(r"\d+", version))


def recorded(folder: Path) -> dict[str, Any]:
    """Return what was installed to a folder; empty for a new or empty folder.

    Raises
    ------
    Refused
        If other files are in it.
    """
    record = folder / RECORD
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Refused(f"{folder} is not a folder; name another one with --to.")
    if record.is_file() and not record.is_symlink():
        try:
            return dict(json.loads(record.read_text(encoding="utf-8")))
        except ValueError:
            raise Refused(f"{record} is damaged; name another folder with --to.") from None
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} already contains other files; name an empty folder with --to.")
    return {}


def check(bundle: Bundle, folder: Path, docker: Docker) -> dict[str, Any]:
    """Check everything that can be checked without a change; return what is installed.

    Raises
    ------
    Refused
        If something is not right.
    """
    manifest = bundle.manifest
    machine = _MACHINES.get(platform.machine(), platform.machine())
    if machine != manifest["architecture"]:
        raise Refused(
            f"the bundle is for {manifest['architecture']}, and this machine is {machine}."
        )
    version = "{}.{}".format(*sys.version_info[:2])
    if version not in manifest["pythons"]:
        wanted = ", ".join(manifest["pythons"])
        raise Refused(f"the bundle needs Python {wanted} (one of them), and this is {version}.")
    if not importlib.util.find_spec("ensurepip"):
        raise Refused("Python cannot make virtual environments; install python3-venv.")
    installed = recorded(folder)
    if numbers(installed.get("version", "0")) > numbers(manifest["version"]):
        raise Refused(
            f"{folder} has version {installed['version']}, which is newer than the bundle's"
            f" {manifest['version']}."
        )
    if not os.access(existing(folder), os.W_OK):
        raise Refused(f"you may not write to {folder}; name another folder with --to.")
    print("Verifying the bundle ...", flush=True)
    bundle.verify()
    for part in ("source.tar.gz", "wheels.tar"):
        for _ in bundle.files(part):
            pass
    docker.check(manifest["architecture"])
    check_disk(bundle, folder, docker)
    return installed


def place(bundle: Bundle, folder: Path, installed: dict[str, Any]) -> None:
    """Put the files in place; those of the older version go to `.previous`."""
    incoming, previous = folder / INCOMING, folder / PREVIOUS
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    bundle.unpack("source.tar.gz", incoming)
    bundle.unpack("wheels.tar", incoming / "wheels")
    new = sorted(path.name for path in incoming.iterdir())
    # After an interruption it has what the older version had, and people's changes to it.
    if installed.get("complete"):
        shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir(exist_ok=True)
    names = sorted({*new, *installed.get("names", [])} - KEPT)
    record = {"version": bundle.manifest["version"], "names": names, "complete": False}
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
    for name in names:
        old = folder / name
        if (previous / name).exists():
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        elif old.exists():
            old.rename(previous / name)
        if name in new:
            (incoming / name).rename(old)
    incoming.rmdir()
    record = {**record, "names": new, "complete": True}
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")


def start(folder: Path, port: int | None) -> None:
    """Install the launcher from the wheels, and start the platform.

    Raises
    ------
    Failed
        If either does not succeed.
    """
    steps: list[list[str | Path]] = [
        [sys.executable, folder / "platform" / "launcher" / "bootstrap.py", "hub"],
        [
            folder / ".venv" / "bin" / "km3up",
            "up",
            "--mode=docker",
            *([f"--port={port}"] if port else []),
        ],
    ]
    for step in steps:
        if subprocess.run([str(word) for word in step], cwd=folder).returncode:
            raise Failed("see the lines above.")


def main() -> None:
    """Install a bundle; exit with 1 and one sentence if that is not possible."""
    own = Path("/opt") if os.geteuid() == 0 else Path.home()
    parser = argparse.ArgumentParser(prog="km3net-install", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--to", type=Path, default=own / "km3net-platform", metavar="FOLDER")
    parser.add_argument("--port", type=int, help="the login page's port")
    parser.add_argument("--check", action="store_true", help="verify only; change nothing")
    chosen = parser.parse_args()
    docker, folder = Docker(), Path(os.path.abspath(chosen.to))
    try:
        bundle = Bundle.read(chosen.bundle)
        check(bundle, folder, docker)
        if chosen.check:
            print("This bundle can be installed here.")
            return
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            installed = recorded(folder)
            print("Loading the images ...", flush=True)
            docker.load(bundle)
            place(bundle, folder, installed)
            start(folder, chosen.port)
    except Refused as reason:
        sys.exit(f"Refused: {reason} Nothing was changed.")
    except Failed as reason:
        sys.exit(f"Stopped: {reason} No data are lost; run the same command again.")
    except OSError as error:
        sys.exit(f"Stopped: {error}. No data are lost; run the same command again.")


if __name__ == "__main__":
    main()
