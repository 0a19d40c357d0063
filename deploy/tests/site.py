"""A site under test: its inventory, as an admin writes it, and the playbooks run on it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[1]
#: Whichever environment the tests run in.
ANSIBLE = DEPLOY / ".venv" / "bin"
#: Where `make archive` writes the images.
ARCHIVE = DEPLOY / "archive"
RESULTS = DEPLOY.parent / "tests" / ".results" / "deploy"
#: Whether machines and inventories are left, and taken again by the next run.
KEEP = bool(os.environ.get("KM3_KEEP"))


def prepare(script: str, *arguments: str) -> None:
    """Run a script of `deploy/` that brings something up to date; skip if that fails."""
    # The environment of the platform's own commands, which has what they need.
    python = DEPLOY.parent / ".venv" / "bin" / "python"
    command = [str(python if python.exists() else sys.executable), str(DEPLOY / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"deploy/{script} failed: {done.stderr.strip()}")


def kept_folder(name: str) -> Path:
    """Returns the folder of a site's files that the next run reuses."""
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ssh_key(folder: Path) -> Path:
    """Returns the admin's key in a folder, created if it is missing."""
    path = folder / "key"
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@dataclass
class Play:
    """What a playbook did."""

    output: str
    code: int
    seconds: float

    @property
    def changed(self) -> int:
        """Number of tasks that changed something, on all hosts."""
        return sum(map(int, re.findall(r"changed=(\d+)", self.output)))

    @property
    def failed(self) -> int:
        """Number of tasks that failed or could not reach a host."""
        return sum(map(int, re.findall(r"(?:failed|unreachable)=(\d+)", self.output)))

    def require_success(self) -> Play:
        assert self.code == 0, self.output[-6000:]
        return self


@dataclass
class Site:
    """An inventory below `folder`, copied from the example and edited."""

    folder: Path
    address: str
    key: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(DEPLOY / "inventories" / "example-single", self.folder, dirs_exist_ok=True)
        known = f"{self.folder.parent}/known_hosts"
        options = f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=accept-new"
        host = {
            "ansible_host": self.address,
            "ansible_user": "debian",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": options,
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"hub": host}}}))
        self.password_file = self.folder.parent / "vault-password"
        self.password_file.write_text("for the tests\n")
        self.write(self.settings)
        self.write_secrets({"vault_backup_password": "a password of the tests"})

    def write(self, settings: dict[str, Any]) -> None:
        """Write `platform.yml`."""
        self.settings = settings
        file = self.folder / "group_vars" / "all" / "platform.yml"
        file.write_text(yaml.safe_dump(settings))

    def write_secrets(self, secrets: dict[str, str], *, encrypt: bool = True) -> None:
        """Write the file of secrets, encrypted as an admin does it."""
        file = self.folder / "group_vars" / "all" / "vault.yml"
        file.write_text(yaml.safe_dump(secrets))
        if encrypt:
            command = [ANSIBLE / "ansible-vault", "encrypt", "--vault-password-file"]
            subprocess.run(
                [*command, self.password_file, file], check=True, capture_output=True, cwd=DEPLOY
            )

    def play(self, name: str, *options: str) -> Play:
        """Run a playbook."""
        began = time.monotonic()
        with self._started(name, *options) as process:
            output, _ = process.communicate()
        seconds = time.monotonic() - began
        RESULTS.mkdir(parents=True, exist_ok=True)
        log = f"{name}{''.join(options)[:40]}.log".replace("/", "_")
        (RESULTS / log).write_text(output)
        print(f"{name} {' '.join(options)}: {seconds:.0f} s, {process.returncode}")
        return Play(output, process.returncode, seconds)

    def interrupt(self, name: str, task: str) -> None:
        """Run a playbook and kill it with all its processes when a task begins."""
        with self._started(name) as process:
            assert process.stdout is not None
            begun = any(f"[{task}]" in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGKILL)
        assert begun, f"the task {task} did not begin"

    def _started(self, name: str, *options: str) -> subprocess.Popen[str]:
        command = [str(ANSIBLE / "ansible-playbook"), "-i", str(self.folder)]
        command += ["--vault-password-file", str(self.password_file)]
        own = {"ANSIBLE_HOME": str(self.folder.parent / ".ansible"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen(
            [*command, f"playbooks/{name}.yml", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=DEPLOY,
            stdin=subprocess.DEVNULL,
            env=os.environ | own,
            start_new_session=True,
        )
