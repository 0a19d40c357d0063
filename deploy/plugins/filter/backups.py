"""Filters for a backup storage that is reached by ssh."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization


class Storage(NamedTuple):
    """The address of a storage, for ssh."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def known_as(self) -> str:
        """Its name in a known hosts file."""
        return f"[{self.host}]:{self.port}" if self.port not in (0, 22) else self.host

    @property
    def scan(self) -> str:
        """The command that prints its host keys."""
        return f"ssh-keyscan {f'-p {self.port} ' if self.known_as != self.host else ''}{self.host}"


def storage(repository: str) -> Storage | None:
    """Return the storage of a restic repository; None if it is not a valid one by sftp.

    The forms are restic's: `sftp:user@host:/folder` and `sftp://user@host:port//folder`.
    """
    if repository.startswith("sftp://"):
        try:
            parts = urlsplit(repository)
            port = parts.port or 0
        except ValueError:
            return None
        found = Storage(parts.hostname or "", parts.username or "", port)
        folder = parts.path.strip("/")
    else:
        name, _, folder = repository.removeprefix("sftp:").partition(":")
        user, _, host = name.rpartition("@")
        found = Storage(host, user)
    if not repository.startswith("sftp:") or not found.host or not folder:
        return None
    # ssh would take it for an option.
    return None if found.host.startswith("-") else found


def key_problem(text: str) -> str:
    """Return what is wrong with a private key; empty if nothing is."""
    pem = text.strip().encode() + b"\n"
    load = (
        serialization.load_ssh_private_key
        if pem.startswith(b"-----BEGIN OPENSSH")
        else serialization.load_pem_private_key
    )
    try:
        load(pem, None)
    except TypeError:
        return "has a passphrase, and nobody is there to type it at night"
    except (ValueError, UnsupportedAlgorithm) as error:
        return (
            "has a passphrase, and nobody is there to type it at night"
            if "passphrase" in str(error) or "password" in str(error)
            else "is not a private key"
        )
    return ""


def is_known(known_hosts: str, host: Storage) -> bool:
    """Return whether a text in the format of known hosts has a valid key of a storage.

    ssh-keygen reads it, so that patterns, hashed names and ports mean what ssh takes them for; with
    `-l` it passes over keys that it cannot read.
    """
    with tempfile.NamedTemporaryFile("w", prefix="km3net-known-hosts-") as file:
        file.write(known_hosts.rstrip() + "\n")
        file.flush()
        command = ["ssh-keygen", "-l", "-F", host.known_as, "-f", file.name]
        return subprocess.run(command, capture_output=True).returncode == 0


def problems(repository: Any, key: Any, known_hosts: Any) -> list[str]:
    """Return what is wrong with the settings of a storage, one sentence each."""
    found = problem(str(repository), str(key), str(known_hosts))
    return [found] if found else []


def problem(repository: str, key: str, known_hosts: str) -> str:
    """Return the first problem; empty if there is none."""
    own = bool(key or known_hosts)
    if not repository.startswith("sftp:"):
        other = (
            "backup_ssh_key and backup_known_hosts are for a repository by sftp, which"
            " backup_repository is not. Remove both, and vault_backup_ssh_key from vault.yml."
        )
        return other if own else ""
    place = storage(repository)
    if place is None:
        return (
            "backup_repository is by sftp, but does not name a machine and a folder. Write"
            " sftp:user@host:/folder, or, with a port, sftp://user@host:port//folder."
        )
    wrong = key_problem(key) if key else "is missing"
    if own and wrong:
        return (
            f"backup_ssh_key {wrong}. Make a key: ssh-keygen -t ed25519 -N '' -f backup-key;"
            f" append backup-key.pub to ~/.ssh/authorized_keys on {place.host}; write"
            " vault_backup_ssh_key: | into vault.yml and below it all lines of backup-key, two"
            " spaces before each."
        )
    if own and shutil.which("ssh-keygen") is None:
        return (
            "ssh-keygen, which reads backup_known_hosts, is not installed on this machine. Run:"
            " apt-get install openssh-client"
        )
    if own and not is_known(known_hosts, place):
        return (
            f"backup_known_hosts has no key of {place.known_as}. Write backup_known_hosts: | and"
            f" below it, two spaces before each, the lines that `{place.scan}` prints."
        )
    return ""  # with neither, ssh uses root's own key and known hosts


def sftp_command(repository: Any, key_file: str, known_hosts_file: str) -> str:
    """Return the command by which restic reaches its storage with a key of its own."""
    place = storage(str(repository))
    if place is None:
        return ""
    options = {
        "BatchMode": "yes",
        "IdentityFile": key_file,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": known_hosts_file,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        # Notices a storage that no longer answers.
        "ConnectTimeout": "60",
        "ServerAliveInterval": "60",
    }
    words = ["ssh", *(f"-o{name}={value}" for name, value in options.items())]
    words += [f"-p{place.port}"] if place.port else []
    words += [f"-l{place.user}"] if place.user else []
    return shlex.join([*words, "-s", place.host, "sftp"])


class FilterModule:
    """The filters by the names that roles use."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "km3net_backup_problems": problems,
            "km3net_sftp_command": sftp_command,
        }
