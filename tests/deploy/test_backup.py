"""Machines share a repository of backups; each finds its own, and none spoils it."""

from __future__ import annotations

import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.deploy.machines import Machine
from tests.deploy.sources import module

filters = module("plugins/filter/backups.py")
#: restic's own way to a storage, without a network between.
SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


def sftp(folder: Path) -> dict[str, str]:
    """The settings for a repository that restic reaches by the sftp protocol."""
    if not SFTP_SERVER.exists():
        pytest.skip(f"there is no {SFTP_SERVER}: make tools")
    return {
        "repository": f"sftp:storage:{folder / 'by-sftp'}",
        "sftp_command": str(SFTP_SERVER),
    }


def test_each_machine_restores_its_own_latest(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, worker = (Machine(tmp_path, project, name) for name in ("hub", "worker1"))
    hub.save("of the hub, old")
    hub.save("of the hub")
    worker.save("of the worker")
    assert hub.restored() == "of the hub"
    assert worker.restored() == "of the worker"
    # Another machine's only where it is asked for by its id.
    snapshots = hub.backup.snapshots()
    hub.backup.fetch(snapshots["worker1"][0]["id"])
    assert (hub.settings / "settings").read_text() == "of the worker"
    # The two of the hub are of one day, of which one is kept; the worker's counts for itself.
    assert {name: len(own) for name, own in snapshots.items()} == {"hub": 1, "worker1": 1}
    capsys.readouterr()
    hub.backup.list()
    told = capsys.readouterr().out
    assert snapshots["hub"][0]["short_id"] in told
    assert f"Of worker1: 1, the newest {snapshots['worker1'][0]['short_id']}" in told


def test_user_gets_the_file_of_the_machine_that_has_the_home(
    tmp_path: Path, project: str, home: Path
) -> None:
    hub, worker = (Machine(tmp_path, project, name) for name in ("hub", "worker1"))
    for machine, text in ((hub, "on the hub"), (worker, "on the worker")):
        (home / "mine.txt").write_text(text)
        machine.save("")
    hub.backup.file("latest", "ada", "mine.txt")
    assert [path.read_text() for path in home.glob("restored/*/mine.txt")] == ["on the hub"]


def test_machine_without_a_backup_is_told_which_have_some(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine(tmp_path, project, "worker1").save("")
    hub = Machine(tmp_path, project, "hub")
    with pytest.raises(
        hub.program.BackupError, match=r"no backup of hub\..*worker1: 1, the newest"
    ):
        hub.backup.fetch("latest")
    hub.backup.list()
    assert "There is no backup of hub." in capsys.readouterr().out


@pytest.mark.parametrize("way", ["folder", "sftp"])
def test_first_backups_at_once_all_succeed(tmp_path: Path, project: str, way: str) -> None:
    given = sftp(tmp_path) if way == "sftp" else {}
    names = ("hub", "worker1")
    machines = [Machine(tmp_path, project, name, **given) for name in names]
    start = threading.Barrier(len(machines), timeout=60)

    def save(machine: Machine) -> None:
        start.wait()
        machine.backup.run()

    with ThreadPoolExecutor() as pool:
        list(pool.map(save, machines))
    # Two that made the repository would have left two keys.
    assert len(machines[0].backup.restic("list", "keys", "--no-lock").stdout.split()) == 1
    assert sorted(machines[0].backup.snapshots()) == list(names)
    machines[0].backup.restic("check")


def test_machine_whose_maker_saves_nothing_says_so(tmp_path: Path, project: str) -> None:
    worker = Machine(tmp_path, project, "worker1", **sftp(tmp_path))
    worker.program.PATIENCE = 0
    with pytest.raises(worker.program.BackupError, match="hub makes it with its first backup"):
        worker.backup.run()
    assert not (tmp_path / "by-sftp").exists()


def test_backup_counts_while_another_machine_keeps_the_repository(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Machine(tmp_path, project, "hub")
    hub.save("")
    # A worker saves what does not end.
    long = ["restic", "backup", "--stdin", "--host", "worker1"]
    with subprocess.Popen(
        long, env=hub.backup.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as other:
        assert other.stdin is not None
        locks = tmp_path / "repository" / "locks"
        waited = threading.Event()
        while not list(locks.iterdir()):
            assert other.poll() is None
            waited.wait(0.1)
        hub.program.PATIENCE = 0
        hub.save("again")
        other.stdin.close()
    told = capsys.readouterr().out
    assert "old backups are forgotten the next time: restic forget" in told
    assert "locked" in told
    assert hub.restored() == "again"


def test_wrong_password_is_told_and_makes_nothing(tmp_path: Path, project: str) -> None:
    Machine(tmp_path, project, "hub").save("")
    worker = Machine(tmp_path, project, "worker1", password="another")
    with pytest.raises(worker.program.BackupError, match="wrong password"):
        worker.backup.run()


# -- the way to a storage by ssh -------------------------------------------------------------------

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
    ],
    ids=["none", "folder", "own-of-root", "key", "pattern", "port"],
)
def test_good_way_is_accepted(repository: str, key: str, known: str) -> None:
    assert filters.problems(repository, key, known) == []


@pytest.mark.parametrize(
    ("repository", "key", "known", "words"),
    [
        (PLACE, PRIVATE, "", "`ssh-keyscan storage.example.org` prints"),
        (PLACE, PRIVATE, "storage.example.org ssh-ed25519 change-me", "has no key of storage"),
        (PLACE, PRIVATE, f"other.example.org {PUBLIC}", "has no key of storage"),
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
        "nothing-known", "example", "other-host", "other-port", "no-key", "example-key",
        "public-key", "broken-key", "passphrase", "folder", "no-backups", "no-folder",
        "no-port", "option",
    ],
)  # fmt: skip
def test_half_a_way_is_refused(repository: str, key: str, known: str, words: str) -> None:
    told = " ".join(filters.problems(repository, key, known))
    assert words in told
    assert "PRIVATE KEY" not in told


def test_hashed_known_hosts_of_ssh_are_read(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: make tools")
    file = tmp_path / "known"
    file.write_text(KNOWN)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "storage.example.org ssh" not in file.read_text()
    assert filters.problems(PLACE, PRIVATE, file.read_text()) == []
    other = PLACE.replace("storage", "other")
    assert filters.problems(other, PRIVATE, file.read_text()) != []


def test_keys_of_all_kinds_and_their_passphrases_are_told_apart(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: make tools")
    for kind, passphrase in (("ecdsa", ""), ("ed25519", "x")):
        file = tmp_path / kind
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", file]
        subprocess.run(command, check=True, capture_output=True)
        assert ("passphrase" in filters.key_problem(file.read_text())) == bool(passphrase)
    old = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert filters.key_problem(old.decode()) == ""


def test_ssh_is_told_the_key_by_its_file_alone() -> None:
    words = filters.sftp_command(ODD_PORT, "/etc/km3net/key", "/etc/km3net/known").split()
    assert words[0] == "ssh"
    assert words[-5:] == ["-p2222", "-lbackup", "-s", "storage.example.org", "sftp"]
    assert "-oIdentityFile=/etc/km3net/key" in words
    assert filters.sftp_command("/var/backups", "a", "b") == ""
