"""The machines of the tests, as containers of this machine's engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

HERE = Path(__file__).resolve().parent
NETWORK = "km3deploy"
#: Outside of what engines choose from by themselves.
SUBNET = "10.199.250.0/24"
#: Rights of the machine. SYS_RESOURCE is taken away as engines of small virtual machines lack it.
MACHINE = [
    "--cgroupns=private", "--cap-add=ALL", "--cap-drop=SYS_RESOURCE",
    "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined", "--device-cgroup-rule=a *:* rwm", "--device=/dev/fuse",
    "--device=/dev/net/tun",
    "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec,mode=1777",
]  # fmt: skip


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the Docker Engine."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(
            f"docker {' '.join(arguments[:3])}: {done.stderr}{done.stdout[-2000:]}"
        )
    return done


def build(name: str, folder: str, base: str = "debian:trixie-slim") -> str:
    """Build one of the images of the tests; returns its name."""
    image = f"km3deploy/{name}"
    docker("build", "--build-arg", f"BASE={base}", "--tag", image, str(HERE / folder))
    return image


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for a condition."""
    wait_until(condition, seconds=seconds, what=what, interval=0.3)


def host_dns() -> str:
    """The name server of this machine."""
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("nameserver"))


@dataclass(frozen=True)
class Machine:
    """A machine under test."""

    name: str
    address: str

    def run(self, *command: str, check: bool = True) -> str:
        """Returns the output of a command run by root on it."""
        done = docker("exec", self.name, *command, check=False)
        if check:
            assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Returns whether a command run by root on it succeeds."""
        return docker("exec", self.name, *command, check=False).returncode == 0

    def pack(self, folder: str, file: Path) -> None:
        """Copy the content of a folder of it to a local file, with owners and modes."""
        with file.open("wb") as stream:
            self._tar("-cf", folder, stdout=stream)

    def unpack(self, file: Path, folder: str) -> None:
        """Restore what `pack` copied."""
        self.run("mkdir", "-p", folder)
        with file.open("rb") as stream:
            self._tar("-xf", folder, stdin=stream)

    def _tar(self, what: str, folder: str, **streams: Any) -> None:
        command = ["docker", "exec", "-i", self.name, "tar", "-C", folder, what, "-"]
        command += ["."] if what == "-cf" else []
        subprocess.run(command, check=True, **streams)

    def remove(self) -> None:
        """Remove the machine with all its data."""
        docker("rm", "--force", "--volumes", self.name, check=False)


def runs(name: str) -> bool:
    """Whether a container of this name runs."""
    found = docker("inspect", "--format", "{{.State.Running}}", name, check=False)
    return found.stdout.strip() == "true"


def start_machine(
    name: str, address: str, *, image: str, public_key: str, hosts: Sequence[str]
) -> Machine:
    """Start a fresh machine; returns when ssh answers."""
    machine = Machine(f"{NETWORK}-{name}", address)
    machine.remove()
    names = [f"--add-host={entry}" for entry in hosts]
    environment = [f"--env=HOSTDNS={host_dns()}", f"--env=SSH_PUBKEY={public_key}"]
    place = [f"--network={NETWORK}", f"--ip={address}", f"--hostname={name}"]
    docker("run", "-d", "--name", machine.name, *MACHINE, *names, *environment, *place, image)
    await_boot(machine)
    return machine


def await_boot(machine: Machine) -> None:
    """Wait until a machine has booted and all of its services run."""
    running = ["systemctl", "is-system-running", "--wait"]
    eventually(
        lambda: docker("exec", machine.name, *running, check=False).stdout.strip() == "running",
        "the machine has booted",
        seconds=240,
    )


def make_network() -> None:
    """The network of all machines of the tests."""
    made = docker("network", "create", "--subnet", SUBNET, NETWORK, check=False)
    # Two runs of the tests may want it at the same time.
    if made.returncode:
        docker("network", "inspect", NETWORK)
