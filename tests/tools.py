"""Programs of the system that tests run: `make tools` installs those that are missing.

Needs nothing but Python, because it runs before anything of the platform is installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TOOLS", "Tool", "missing"]

#: Packages start their services unless this program forbids it (Debian Policy, 9.3.3).
POLICY = Path("/usr/sbin/policy-rc.d")
#: Programs that only root has on its PATH are looked for, too.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class ToolsError(Exception):
    """Programs cannot be installed; the message says what to do."""


@dataclass(frozen=True)
class Tool:
    """Something that tests need of the system.

    Parameters
    ----------
    name
        As people call it.
    packages
        Debian's packages.
    programs
        One of these commands, absolute files or libraries (`lib*.so.*`) has to be there.
    service
        What the package would start at the next boot.
    """

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    service: str | None = None

    def present(self) -> bool:
        """Whether this machine has it."""
        return any(map(_has, self.programs))


TOOLS = (
    Tool("Caddy", ("caddy",), ("caddy",), service="caddy"),
    Tool("Chromium", ("chromium",), ("chromium", "chromium-browser")),
    Tool("the OpenSSH client", ("openssh-client",), ("ssh-keygen",)),
    Tool("OpenSSH's sftp-server", ("openssh-sftp-server",), ("/usr/lib/openssh/sftp-server",)),
    Tool("Pango", ("libpango-1.0-0", "libpangoft2-1.0-0"), ("libpangoft2-1.0.so.0",)),
    Tool(
        "PostgreSQL",
        ("postgresql",),
        ("initdb", "/usr/lib/postgresql/*/bin/initdb"),
        service="postgresql",
    ),
    Tool(
        "Docker's registry", ("docker-registry",), ("docker-registry",), service="docker-registry"
    ),
    Tool("btrfs", ("btrfs-progs",), ("mkfs.btrfs",)),
    Tool("cadaver", ("cadaver",), ("cadaver",)),
    Tool("curl", ("curl",), ("curl",)),
    Tool("ext4", ("e2fsprogs",), ("mke2fs",)),
    Tool("iproute2", ("iproute2",), ("ip",)),
    Tool("lego", ("lego",), ("lego",)),
    Tool("litmus", ("litmus",), ("litmus",)),
    Tool("nftables", ("nftables",), ("nft",)),
    Tool("WireGuard", ("wireguard-tools", "wireguard-go"), ("wg",)),
    Tool("nginx", ("nginx-light",), ("nginx",), service="nginx"),
    Tool("pebble", ("pebble",), ("pebble",)),
    Tool("rclone", ("rclone",), ("rclone",)),
    Tool("Poppler", ("poppler-utils",), ("pdftoppm",)),
    Tool("promtool", ("prometheus",), ("promtool",), service="prometheus"),
    Tool("restic", ("restic",), ("restic",)),
    Tool("rsync", ("rsync",), ("rsync",)),
    Tool("STILTS", ("stilts",), ("stilts",)),
    Tool("XFS", ("xfsprogs",), ("mkfs.xfs",)),
    Tool("ZBar", ("zbar-tools",), ("zbarimg",)),
)


def missing() -> list[Tool]:
    """Return the tools that this machine lacks."""
    return [tool for tool in TOOLS if not tool.present()]


def _has(program: str) -> bool:
    if program.startswith("/"):
        return any(Path("/").glob(program[1:]))
    if ".so." in program:
        try:
            ctypes.CDLL(program)
        except OSError:
            return False
        return True
    return shutil.which(program, path=PATH) is not None


def main() -> None:
    """Install what is missing, or say what to ask an administrator for."""
    lacking = missing()
    if not lacking:
        print(f"All {len(TOOLS)} programs that tests need are installed.")
        return
    try:
        install(lacking)
    except ToolsError as error:
        sys.exit(f"make tools: {error}")


def install(tools: list[Tool]) -> None:
    """Install tools from the distribution; their services are not started.

    Raises
    ------
    ToolsError
        If this system or user cannot install packages, or apt fails.
    """
    names = ", ".join(tool.name for tool in tools)
    packages = [package for tool in tools for package in tool.packages]
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise ToolsError(
            f"missing: {names}. Install them with this system's package manager; on Debian they "
            f"are the packages {' '.join(packages)}"
        )
    if os.geteuid() != 0:
        raise ToolsError(
            f"missing: {names}. Only root can install them: run `sudo make tools`, or ask an "
            f"administrator to run `{command}`"
        )
    print(f"installing {names} ...", flush=True)
    with services_stopped():
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *packages)
    if Path("/run/systemd/system").is_dir():
        services = [tool.service for tool in tools if tool.service]
        subprocess.run(["systemctl", "disable", "--quiet", *services], check=False)
    print(f"installed {names}; none of their services was started")


@contextmanager
def services_stopped() -> Iterator[None]:
    """Forbid packages to start services, as long as this lasts."""
    own = not POLICY.exists()
    if own:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if own:
            POLICY.unlink()


def _apt(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise ToolsError(f"`apt-get {' '.join(arguments)}` failed:\n{end}")


if __name__ == "__main__":
    main()
