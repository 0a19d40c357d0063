"""The base image: taken from the engine, else pulled, else made with debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["BaseImageError", "provide"]

#: Left out of images, as in Debian's official slim ones; licences (`copyright`) stay.
_DOCUMENTATION = ("doc", "man", "info", "locale", "groff", "lintian", "linda")
_DPKG = "".join(f"path-exclude /usr/share/{name}/*\n" for name in _DOCUMENTATION) + (
    "path-include /usr/share/doc/*/copyright\n"
)
_APT = (
    'Acquire::Languages "none";\n'
    'APT::Install-Recommends "false";\n'
    'APT::AutoRemove::SuggestsImportant "false";\n'
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class BaseImageError(Exception):
    """The base image is missing and can neither be pulled nor made."""


def provide(image: str, say: Callable[[str], None], log: Path) -> None:
    """Make sure that the engine has `image`, reporting how it was obtained.

    Raises
    ------
    BaseImageError
        If it is missing, cannot be pulled and cannot be made here.
    """
    if _quiet("docker", "image", "inspect", image).returncode == 0:
        say(f"base image {image}: present")
        return
    say(f"base image {image}: pulling ...")
    pulled = _quiet("docker", "pull", "--quiet", image)
    if pulled.returncode == 0:
        say(f"base image {image}: pulled")
        return
    reason = (pulled.stderr.strip().splitlines() or ["no reason given"])[-1]
    say(f"base image {image}: cannot be pulled ({reason})")
    suite = _suite(image)
    say(f"base image {image}: making it with debootstrap from Debian {suite} (1-2 minutes) ...")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="km3net-base-") as folder:
        root = Path(folder) / "root"
        with log.open("w") as stream:
            made = subprocess.run(
                ["debootstrap", "--variant=minbase", suite, str(root)],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        if made.returncode:
            tail = "\n".join(log.read_text().splitlines()[-5:])
            raise BaseImageError(f"debootstrap failed:\n{tail}\nThe full log is in {log}")
        _slim(root, suite)
        _import(root, image)
    say(f"base image {image}: made with debootstrap")


def _suite(image: str) -> str:
    """Return the Debian release in `debian:NAME-slim`; refuse what debootstrap cannot make here."""
    repository, _, tag = image.partition(":")
    if repository != "debian" or not tag:
        raise BaseImageError(
            f"{image} is missing and cannot be pulled. Load it with `docker load`, "
            "or use debian:trixie-slim, which can be made here"
        )
    if os.geteuid() != 0:
        raise BaseImageError(
            f"{image} is missing and cannot be pulled. Root can make it: "
            "run `sudo make images` once"
        )
    if not shutil.which("debootstrap"):
        raise BaseImageError(
            f"{image} is missing and cannot be pulled. It can be made with debootstrap, which is "
            "not installed: run `sudo make engine`"
        )
    return tag.removesuffix("-slim")


def _slim(root: Path, suite: str) -> None:
    """Reduce a fresh debootstrap tree to the contents of the official slim images."""
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(_DPKG)
    (root / "etc/apt/apt.conf.d/docker").write_text(_APT)
    # Installing a package does not start its service.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    listed = root / "etc/apt/sources.list"
    mirror = listed.read_text().split()[1].rstrip("/")
    listed.write_text(
        f"deb {mirror} {suite} main\n"
        f"deb {mirror} {suite}-updates main\n"
        f"deb {mirror}-security {suite}-security main\n"
    )
    for path in _unwanted(root):
        path.unlink()
    for folder in ("var/cache/apt", "var/lib/apt/lists", "var/log", "tmp"):
        for path in sorted((root / folder).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _unwanted(root: Path) -> Iterator[Path]:
    for name in _DOCUMENTATION:
        for path in (root / "usr/share" / name).rglob("*"):
            if (path.is_symlink() or path.is_file()) and path.name != "copyright":
                yield path


def _import(root: Path, image: str) -> None:
    pack = ["tar", "--numeric-owner", "-C", str(root)]
    pack += [f"--exclude=./{name}/*" for name in ("dev", "proc", "sys")]
    tar = subprocess.Popen([*pack, "-c", "."], stdout=subprocess.PIPE)
    done = subprocess.run(
        ["docker", "import", "-c", 'CMD ["bash"]', "-c", f"ENV PATH={_PATH}", "-", image],
        stdin=tar.stdout,
        capture_output=True,
        text=True,
    )
    if tar.wait() or done.returncode:
        raise BaseImageError(f"the engine could not import the base image: {done.stderr.strip()}")


def _quiet(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)
