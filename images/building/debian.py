"""The base image: the one that is there, else from a registry, else made with debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["BaseImageError", "provide"]

#: Not wanted in an image; licences (`copyright`) stay. The official slim images leave out the same.
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
    """The base image can be had in no way."""


def provide(image: str, say: Callable[[str], None], log: Path) -> None:
    """Make sure that the engine has `image`; says how it came.

    Raises
    ------
    BaseImageError
        If it is not there, cannot be pulled and cannot be made here.
    """
    if _quiet("docker", "image", "inspect", image).returncode == 0:
        say(f"base image {image}: already here")
        return
    say(f"base image {image}: asking its registry ...")
    pulled = _quiet("docker", "pull", "--quiet", image)
    if pulled.returncode == 0:
        say(f"base image {image}: pulled")
        return
    reason = (pulled.stderr.strip().splitlines() or ["no reason given"])[-1]
    say(f"base image {image}: cannot be pulled ({reason})")
    suite = _suite(image)
    say(f"base image {image}: making it from Debian {suite} with debootstrap, a minute or two ...")
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
            raise BaseImageError(f"debootstrap failed:\n{tail}\nThe whole log: {log}")
        _slim(root, suite)
        _import(root, image)
    say(f"base image {image}: made with debootstrap")


def _suite(image: str) -> str:
    """Debian's name in `debian:NAME-slim`; refuses what debootstrap here cannot make."""
    repository, _, tag = image.partition(":")
    if repository != "debian" or not tag:
        raise BaseImageError(
            f"{image} is not here and cannot be pulled. Load it with `docker load`, "
            "or use debian:trixie-slim, which can be made here"
        )
    if os.geteuid() != 0:
        raise BaseImageError(
            f"{image} is not here and cannot be pulled. It can be made here, but only "
            "by root: run `sudo make images` once"
        )
    if not shutil.which("debootstrap"):
        raise BaseImageError(
            f"{image} is not here and cannot be pulled. It can be made with "
            "debootstrap, which is not installed: run `make engine` as root, which installs it"
        )
    return tag.removesuffix("-slim")


def _slim(root: Path, suite: str) -> None:
    """Bring a fresh debootstrap tree to what the official slim images hold."""
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(_DPKG)
    (root / "etc/apt/apt.conf.d/docker").write_text(_APT)
    # Services are not started by the installation of their package.
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
        raise BaseImageError(f"the engine did not take the new base image: {done.stderr.strip()}")


def _quiet(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)
