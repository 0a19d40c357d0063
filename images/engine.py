"""Install and start Docker Engine from the distribution: `make engine` (root; Debian, Ubuntu).

Does only what is missing: running it again, or where an engine already answers, changes nothing.
Needs only Python, because it runs before anything of the platform is installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

LOG = Path("/var/log/dockerd.log")
PID_FILE = Path("/var/run/docker.pid")
START_SECONDS = 60


class EngineError(Exception):
    """The engine cannot be installed or started; the message says why and what to do."""


def main() -> None:
    try:
        missing = packages_missing()
        running = answers()
        if not missing and running:
            print(f"Docker Engine {running} answers, and nothing is missing.")
            return
        refuse_where_impossible(missing)
        if missing:
            install(missing)
        if not answers():
            start()
        print(f"Docker Engine {wait()} answers.")
    except EngineError as error:
        sys.exit(f"make engine: {error}")


def answers() -> str | None:
    """Return the version of the engine that answers, None if there is none."""
    if not shutil.which("docker"):
        return None
    command = ["docker", "info", "--format", "{{.ServerVersion}}"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or None if done.returncode == 0 else None


def packages_missing() -> list[str]:
    """Return the Debian packages that this machine lacks."""
    missing = []
    if not shutil.which("docker") or not (answers() or shutil.which("dockerd")):
        missing.append("docker.io")
    if not _succeeds("docker", "compose", "version") and not shutil.which("docker-compose"):
        missing.append("docker-compose")
    # Makes the base image where it cannot be pulled.
    if not shutil.which("debootstrap"):
        missing.append("debootstrap")
    return missing


def refuse_where_impossible(missing: list[str]) -> None:
    """Raise an error at once where this machine or user cannot do it, rather than fail half way."""
    todo = f"install {' '.join(missing)}" if missing else "start the engine"
    if platform.system() != "Linux" or not shutil.which("apt-get"):
        raise EngineError(
            f"cannot {todo}: that is automated for Debian and Ubuntu only. Install Docker Engine "
            "with this system's package manager; without an engine the platform runs embedded"
        )
    if os.geteuid() != 0:
        raise EngineError(f"only root can {todo}: run `sudo make engine`")


def install(packages: list[str]) -> None:
    """Install Debian packages; apt's output is shown only if it fails."""
    print(f"installing {' '.join(packages)} ...", flush=True)
    _apt("update")
    wanted = ["iptables", *packages]
    # Since Debian 13 the command `docker` is a separate package, which the engine only recommends.
    if "docker.io" in packages and _succeeds("apt-cache", "show", "docker-cli"):
        wanted.append("docker-cli")
    _apt("install", "--yes", "--no-install-recommends", *wanted)


def _apt(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise EngineError(f"`apt-get {' '.join(arguments)}` failed:\n{end}")


def start() -> None:
    """Start the engine with systemd, or in the background where systemd is not running."""
    if Path("/run/systemd/system").is_dir():
        print("starting docker.service ...", flush=True)
        done = subprocess.run(
            ["systemctl", "enable", "--now", "docker"], capture_output=True, text=True
        )
        if done.returncode:
            raise EngineError(f"systemd could not start docker.service: {done.stderr.strip()}")
        return
    if _left_behind():
        print(f"removing {PID_FILE}, which a killed engine left behind")
        PID_FILE.unlink()
    print(f"starting dockerd in the background (log: {LOG}) ...", flush=True)
    with LOG.open("a") as log:
        # In its own session, so that it outlives this terminal.
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def wait() -> str:
    """Wait until the engine answers; return its version."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if version := answers():
            return version
        time.sleep(0.5)
    end = "\n".join(LOG.read_text(errors="replace").splitlines()[-8:]) if LOG.exists() else ""
    raise EngineError(
        f"the engine did not answer within {START_SECONDS} s. The end of its log "
        f"({LOG}, or `journalctl -u docker`):\n{end}"
    )


def _left_behind() -> bool:
    """Return whether the PID file names no running dockerd, which would stop a new one."""
    if not PID_FILE.exists():
        return False
    try:
        name = Path(f"/proc/{int(PID_FILE.read_text())}/comm").read_text().strip()
    except (OSError, ValueError):
        return True
    return name != "dockerd"


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
