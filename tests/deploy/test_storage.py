"""The settings for a storage of backups that is reached by ssh."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.commands import run
from tests.deploy.sources import module

filters = module("plugins/filter/backups.py")

KEY = ed25519.Ed25519PrivateKey.generate()
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.OpenSSH,
    serialization.NoEncryption(),
).decode()
LOCKED = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"x"),
).decode()
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    .decode()
)
PLACE = "sftp:backup@storage.example.org:/km3net"
ODD_PORT = "sftp://backup@storage.example.org:2222//km3net"
KNOWN = f"# storage.example.org:22 SSH-2.0\nstorage.example.org {PUBLIC}\n"


@pytest.mark.parametrize(
    ("repository", "found"),
    [
        (PLACE, ("storage.example.org", "backup", 0)),
        ("sftp:storage:km3net", ("storage", "", 0)),
        (ODD_PORT, ("storage.example.org", "backup", 2222)),
        ("sftp://backup@[2001:db8::1]:22//km3net", ("2001:db8::1", "backup", 22)),
    ],
)
def test_storage_is_read_as_restic_reads_it(repository: str, found: tuple[Any, ...]) -> None:
    place = filters.storage(repository)
    assert (place.host, place.user, place.port) == found


@pytest.mark.parametrize(
    ("repository", "key", "known"),
    [
        ("", "", ""),
        ("/var/backups/km3net", "", ""),
        (PLACE, "", ""),
        (PLACE, PRIVATE, KNOWN),
        (PLACE, PRIVATE.strip(), f"*.example.org,10.0.0.9 {PUBLIC}"),
        (ODD_PORT, PRIVATE, f"[storage.example.org]:2222 {PUBLIC}"),
        (PLACE, PRIVATE, f"storage.example.org ssh-rsa broken\nstorage.example.org {PUBLIC}"),
        (PLACE, PRIVATE, f"storage.example.org {PUBLIC} root@storage  \n\n"),
    ],
    ids=["none", "folder", "own-of-root", "key", "pattern", "port", "broken-line", "comment"],
)
def test_complete_storage_settings_are_accepted(repository: str, key: str, known: str) -> None:
    assert filters.problems(repository, key, known) == []


@pytest.mark.parametrize(
    ("repository", "key", "known", "words"),
    [
        (PLACE, PRIVATE, "", "`ssh-keyscan storage.example.org` prints"),
        (PLACE, PRIVATE, "storage.example.org ssh-ed25519 change-me", "has no key of storage"),
        (PLACE, PRIVATE, f"other.example.org {PUBLIC}", "has no key of storage"),
        (PLACE, PRIVATE, f"!storage.example.org,*.example.org {PUBLIC}", "has no key of storage"),
        (PLACE, PRIVATE, f"|1|broken|hash= {PUBLIC}", "has no key of storage"),
        (PLACE, PRIVATE, f"|1| {PUBLIC}", "has no key of storage"),
        (PLACE, PRIVATE, "-----BEGIN", "has no key of storage"),
        (ODD_PORT, PRIVATE, KNOWN, "`ssh-keyscan -p 2222 storage.example.org` prints"),
        (PLACE, "", KNOWN, "backup_ssh_key is missing. Make a key: ssh-keygen"),
        (PLACE, "change-me", KNOWN, "backup_ssh_key is not a private key. Make a key"),
        (PLACE, PUBLIC, KNOWN, "is not a private key"),
        (PLACE, PRIVATE.replace("b3Bl", "AAAA"), KNOWN, "is not a private key"),
        (PLACE, LOCKED, KNOWN, "has a passphrase"),
        ("/var/backups", PRIVATE, KNOWN, "are for a repository by sftp"),
        ("", "change-me", "", "are for a repository by sftp"),
        ("sftp:storage.example.org", PRIVATE, KNOWN, "Write sftp:user@host:/folder"),
        ("sftp://storage:port//x", PRIVATE, KNOWN, "Write sftp:user@host:/folder"),
        ("sftp:-oProxyCommand=x:/y", PRIVATE, KNOWN, "Write sftp:user@host:/folder"),
    ],
    ids=[
        "nothing-known", "example", "other-host", "negated", "broken-hash",
        "half-hash", "no-line", "other-port", "no-key", "example-key",
        "public-key", "broken-key", "passphrase", "folder", "no-backups", "no-folder",
        "no-port", "option",
    ],
)  # fmt: skip
def test_incomplete_storage_settings_are_refused(
    repository: str, key: str, known: str, words: str
) -> None:
    messages = " ".join(filters.problems(repository, key, known))
    assert words in messages
    assert "PRIVATE KEY" not in messages


def test_hashed_known_hosts_of_ssh_are_read(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: make tools")
    file = tmp_path / "known"
    file.write_text(KNOWN)
    run("ssh-keygen", "-q", "-H", "-f", file)
    assert "storage.example.org ssh" not in file.read_text()
    assert filters.problems(PLACE, PRIVATE, file.read_text()) == []
    other = PLACE.replace("storage", "other")
    assert filters.problems(other, PRIVATE, file.read_text()) != []


def test_every_kind_of_key_and_its_passphrase_is_recognised(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: make tools")
    for kind, passphrase in (("ecdsa", ""), ("ed25519", "x")):
        file = tmp_path / kind
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", file]
        run(*command)
        assert ("passphrase" in filters.key_problem(file.read_text())) == bool(passphrase)
    old = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert filters.key_problem(old.decode()) == ""


def test_ssh_gets_the_key_only_as_a_file() -> None:
    words = filters.sftp_command(ODD_PORT, "/etc/km3net/key", "/etc/km3net/known").split()
    assert words[0] == "ssh"
    assert words[-5:] == ["-p2222", "-lbackup", "-s", "storage.example.org", "sftp"]
    assert "-oIdentityFile=/etc/km3net/key" in words
    assert filters.sftp_command("/var/backups", "a", "b") == ""
