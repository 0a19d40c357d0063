"""Filters for a storage of backups that is reached by ssh."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import shlex
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization


class Storage(NamedTuple):
    """Where ssh finds the storage."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def known_as(self) -> str:
        """Its name in files of known hosts."""
        return f"[{self.host}]:{self.port}" if self.port not in (0, 22) else self.host

    @property
    def scan(self) -> str:
        """The command that prints its host keys."""
        return f"ssh-keyscan {f'-p {self.port} ' if self.known_as != self.host else ''}{self.host}"


def storage(repository: str) -> Storage | None:
    """The storage of a restic repository; none where it is not, or not rightly, one by sftp.

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
    # What starts so would be an option of ssh.
    return None if found.host.startswith("-") else found


def key_problem(text: str) -> str:
    """What is wrong with a private key; nothing: an empty text."""
    pem = text.strip().encode() + b"\n"
    load = (
        serialization.load_ssh_private_key
        if pem.startswith(b"-----BEGIN OPENSSH")
        else serialization.load_pem_private_key
    )
    try:
        load(pem, None)
    except TypeError:
        return "has a passphrase, which nobody types at night"
    except (ValueError, UnsupportedAlgorithm) as error:
        return (
            "has a passphrase, which nobody types at night"
            if "passphrase" in str(error) or "password" in str(error)
            else "is not a private key"
        )
    return ""


def is_known(known_hosts: str, host: Storage) -> bool:
    """Whether one of the lines, as of `ssh-keyscan`, has a key of a storage."""
    for line in known_hosts.splitlines():
        names, _, rest = line.strip().partition(" ")
        kind, _, key = rest.partition(" ")
        try:
            found = base64.b64decode(key.split()[0], validate=True) if key.strip() else b""
        except binascii.Error:
            continue
        # A key begins with its kind.
        if found[4 : 4 + len(kind)] == kind.encode() and kind and _names(names, host.known_as):
            return True
    return False


def _names(names: str, name: str) -> bool:
    """Whether the first word of a line of known hosts stands for a host."""
    if names.startswith("|1|"):
        _, _, salt, digest = names.split("|")
        own = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(own, base64.b64decode(digest))
    # Brackets are no pattern there.
    patterns = (pattern.replace("[", "[[]") for pattern in names.split(","))
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def problems(repository: Any, key: Any, known_hosts: Any) -> list[str]:
    """What is wrong with the way to the storage, a sentence each; nothing: an empty list."""
    told = problem(str(repository), str(key), str(known_hosts))
    return [told] if told else []


def problem(repository: str, key: str, known_hosts: str) -> str:
    """The first of them; nothing: an empty text."""
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
            "backup_repository is by sftp, but names no machine and folder. Write"
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
    if own and not is_known(known_hosts, place):
        return (
            f"backup_known_hosts has no key of {place.known_as}. Write backup_known_hosts: | and"
            f" below it, two spaces before each, the lines that `{place.scan}` prints."
        )
    return ""  # with neither, root's own key and known hosts are used


def sftp_command(repository: Any, key_file: str, known_hosts_file: str) -> str:
    """The command by which restic reaches its storage with a key of its own."""
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
        # So that a storage that went away is noticed.
        "ConnectTimeout": "60",
        "ServerAliveInterval": "60",
    }
    words = ["ssh", *(f"-o{name}={value}" for name, value in options.items())]
    words += [f"-p{place.port}"] if place.port else []
    words += [f"-l{place.user}"] if place.user else []
    return shlex.join([*words, "-s", place.host, "sftp"])


class FilterModule:
    """Ansible's way to find them."""

    def filters(self) -> dict[str, Any]:
        """The filters by the names that roles use."""
        return {
            "km3net_backup_problems": problems,
            "km3net_sftp_command": sftp_command,
        }
