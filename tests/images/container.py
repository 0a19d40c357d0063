"""A container of an image, in which a test runs commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests import commands
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

#: The images that people use, and those of them that bring JupyterLab and the stack.
ALL = ("base", "stack", "joint", "hub", "proxy", "broker", "homes", "firewall", "opendata")
LABS = ("stack", "joint")
#: The environments in each: prefix, name of the lock, and what comes from this repository.
ENVIRONMENTS = {
    "stack": (
        ("/opt/lab", "lab", {"km3lab", "km3pdf"}),
        ("/opt/km3net", "stack", {"km3pdf", "openkm3"}),
    ),
    "joint": (
        ("/opt/lab", "lab", {"km3lab", "km3pdf"}),
        ("/opt/km3net", "joint", {"km3pdf", "nugamma", "openkm3"}),
    ),
    "broker": (("/opt/broker", "broker", {"km3broker", "km3settings"}),),
    "hub": (("/opt/hub", "hub", {"km3hub", "km3settings", "km3visit"}),),
    "homes": (("/opt/homes", "homes", {"km3homes", "km3settings"}),),
    "opendata": (("/opt/opendata", "opendata", {"adqlite", "openkm3", "opendata"}),),
}


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return commands.run("docker", *arguments, status=0 if check else None)


def why_not(image: str) -> str | None:
    """Why the image cannot be tested here and how to change that; None where it can."""
    if not shutil.which("docker") or docker("version", check=False).returncode:
        return "no Docker Engine answers: make engine images"
    if docker("image", "inspect", f"km3net/{image}", check=False).returncode:
        return f"the image km3net/{image} is missing: make images IMAGES={image}"
    return None


def inspect(image: str) -> dict[str, Any]:
    return dict(json.loads(docker("image", "inspect", f"km3net/{image}").stdout)[0])


class Container:
    """A running container; without network unless `options` say so, removed at the end."""

    def __init__(self, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        network = (
            () if any(item.startswith("--network") for item in options) else ("--network=none",)
        )
        run = docker("run", "--detach", *network, *options, f"km3net/{image}", *command)
        self.identity = run.stdout.strip()

    @classmethod
    def idle(cls, image: str, *options: str) -> Container:
        """One that only waits for commands."""
        return cls(image, "--entrypoint=sleep", *options, command=("infinity",))

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return docker("exec", self.identity, *command, check=check)

    def python(self, prefix: str, code: str) -> str:
        return self.run(f"{prefix}/bin/python", "-W", "ignore", "-c", code).stdout

    def state(self) -> dict[str, Any]:
        listing = docker("inspect", self.identity).stdout
        return dict(json.loads(listing)[0]["State"])

    def log(self) -> str:
        done = docker("logs", self.identity)
        return done.stdout + done.stderr

    def wait_until_healthy(self, seconds: float = 120) -> None:
        wait_until(
            self.healthy,
            seconds=seconds,
            what=lambda: f"the container is healthy: {self.state()['Health']}\n{self.log()}",
        )

    def healthy(self) -> bool:
        """Whether the health check succeeded; raises if the container has ended."""
        state = self.state()
        if not state["Running"]:
            raise AssertionError(f"the container ended: {state}\n{self.log()}")
        return bool(state["Health"]["Status"] == "healthy")

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.identity)
