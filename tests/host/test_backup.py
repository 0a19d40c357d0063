"""Machines share a repository of backups; each finds its own, and none damages it."""

from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from km3host.backup.repository import BackupError
from km3host.backup.restore import restore_file, restore_volumes
from km3host.backup.save import save
from km3host.cli import cli
from tests.host.machines import Machine, docker

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


def listed(machine: Machine, folder: Path) -> str:
    """What `km3host backup list` prints on a machine."""
    file = folder / "backup.json"
    file.write_text(json.dumps(machine.settings.__dict__))
    done = CliRunner().invoke(cli, ["backup", "--configuration", str(file), "list"])
    assert done.exit_code == 0, done.output
    return done.output


def test_each_machine_restores_its_own_latest(tmp_path: Path, project: str) -> None:
    hub, worker = (Machine(tmp_path, project, name) for name in ("hub", "worker1"))
    hub.save("of the hub, old")
    hub.save("of the hub")
    worker.save("of the worker")
    assert hub.restored() == "of the hub"
    assert worker.restored() == "of the worker"
    # Another machine's backup only by its identifier.
    snapshots = hub.repository.snapshots()
    assert hub.restored(snapshots["worker1"][0].id) == "of the worker"
    # The two of the hub are of one day, of which one is kept; the worker's counts for itself.
    assert {name: len(own) for name, own in snapshots.items()} == {"hub": 1, "worker1": 1}
    output = listed(hub, tmp_path)
    assert snapshots["hub"][0].short_id in output
    assert f"worker1: 1 backups, the newest {snapshots['worker1'][0].short_id}" in output


def test_user_gets_the_file_of_the_machine_that_has_the_home(
    tmp_path: Path, project: str, home: Path
) -> None:
    hub, worker = (Machine(tmp_path, project, name) for name in ("hub", "worker1"))
    for machine, text in ((hub, "on the hub"), (worker, "on the worker")):
        (home / "mine.txt").write_text(text)
        machine.save("")
    restore_file(hub.repository, "latest", "ada", "mine.txt")
    assert [path.read_text() for path in home.glob("restored/*/mine.txt")] == ["on the hub"]


@pytest.mark.parametrize("path", ["..", "../../etc/passwd", ".", "/etc/passwd", "link/x"])
def test_file_outside_the_home_is_refused(
    tmp_path: Path, project: str, home: Path, path: str
) -> None:
    (home / "link").symlink_to("/etc")
    hub = Machine(tmp_path, project, "hub")
    with pytest.raises(BackupError, match="is not below the home of ada"):
        restore_file(hub.repository, "latest", "ada", path)
    (home / "link").unlink()


def test_missing_file_is_reported_and_leaves_nothing(
    tmp_path: Path, project: str, home: Path
) -> None:
    hub = Machine(tmp_path, project, "hub")
    hub.save("")
    with pytest.raises(BackupError, match=r"has no lost\.txt of ada"):
        restore_file(hub.repository, "latest", "ada", "lost.txt")
    assert not list(home.glob("restored/*"))


def test_volumes_are_restored_with_their_databases(
    tmp_path: Path, project: str, home: Path
) -> None:
    (home / "mine.txt").write_text("precious")
    hub = Machine(tmp_path, project, "hub")
    hub.save("")
    (home / "mine.txt").write_text("spoiled")
    restore_volumes(hub.repository, "latest")
    assert (home / "mine.txt").read_text() == "precious"


def test_machine_without_a_backup_reports_which_have_some(tmp_path: Path, project: str) -> None:
    Machine(tmp_path, project, "worker1").save("")
    hub = Machine(tmp_path, project, "hub")
    with pytest.raises(BackupError, match=r"no backup of hub \(worker1: 1 backups, the newest"):
        hub.restored()
    assert "There is no backup of hub." in listed(hub, tmp_path)


@pytest.mark.parametrize("way", ["folder", "sftp"])
def test_first_backups_at_once_all_succeed(tmp_path: Path, project: str, way: str) -> None:
    given = sftp(tmp_path) if way == "sftp" else {}
    names = ("hub", "worker1")
    machines = [Machine(tmp_path, project, name, **given) for name in names]
    start = threading.Barrier(len(machines), timeout=60)

    def save_now(machine: Machine) -> None:
        start.wait()
        save(machine.repository)

    with ThreadPoolExecutor() as pool:
        list(pool.map(save_now, machines))
    # Had both created the repository, there would be two keys.
    assert len(machines[0].repository.restic("list", "keys", "--no-lock").split()) == 1
    assert sorted(machines[0].repository.snapshots()) == list(names)
    machines[0].repository.restic("check")


def test_machine_reports_that_the_maker_has_saved_nothing(tmp_path: Path, project: str) -> None:
    worker = Machine(tmp_path, project, "worker1", wait_seconds=0, **sftp(tmp_path))
    with pytest.raises(BackupError, match="hub creates it with its first backup"):
        worker.save("")
    assert not (tmp_path / "by-sftp").exists()


def test_backup_counts_while_another_machine_locks_the_repository(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine(tmp_path, project, "hub").save("")
    hub = Machine(tmp_path, project, "hub", wait_seconds=0)
    # A worker saves what does not end.
    endless = ["restic", "backup", "--stdin", "--host", "worker1"]
    with subprocess.Popen(
        endless,
        env={"PATH": "/usr/bin:/bin", **hub.repository.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as other:
        assert other.stdin is not None
        locks = tmp_path / "repository" / "locks"
        waited = threading.Event()
        while not list(locks.iterdir()):
            assert other.poll() is None
            waited.wait(0.1)
        hub.save("again")
        other.stdin.close()
    output = capsys.readouterr().out
    assert "old backups will be removed by the next run: restic forget" in output
    assert "locked" in output
    assert hub.restored() == "again"


def test_machine_waits_for_the_lock_of_another(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine(tmp_path, project, "hub").save("")
    hub = Machine(tmp_path, project, "hub")
    endless = ["restic", "backup", "--stdin", "--host", "worker1"]
    environment = {"PATH": "/usr/bin:/bin", **hub.repository.environment}
    with (
        subprocess.Popen(
            endless, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        assert other.stdin is not None
        locks = tmp_path / "repository" / "locks"
        waited = threading.Event()
        while not list(locks.iterdir()):
            assert other.poll() is None
            waited.wait(0.1)
        check = pool.submit(hub.repository.restic, "prune")
        while "waiting for another machine" not in capsys.readouterr().out:
            assert not check.done(), check.exception()
            waited.wait(0.1)
        other.stdin.close()
        other.wait(timeout=120)
        check.result(timeout=120)


def test_wrong_password_is_reported_and_creates_nothing(tmp_path: Path, project: str) -> None:
    Machine(tmp_path, project, "hub").save("")
    worker = Machine(tmp_path, project, "worker1", password="another")
    with pytest.raises(BackupError, match="wrong password"):
        worker.save("")
    assert docker("volume", "ls", "--quiet", f"--filter=label=org.km3net.project={project}") == ""


def test_a_home_that_is_not_mounted_is_not_passed_over(
    tmp_path: Path, project: str, home: Path
) -> None:
    machine = Machine(tmp_path, project, "hub")
    (home / "mine.txt").write_text("hidden")
    # As `km3homes` keeps it, after a reboot without that service.
    image = home.parent / "home.img"
    image.write_bytes(b"")
    name = home.parent.name
    try:
        with pytest.raises(BackupError, match=f"lacks the files of {name}, which are not mounted"):
            machine.save("saved all the same")
        assert machine.restored() == "saved all the same"
        with pytest.raises(BackupError, match="would be hidden"):
            restore_file(machine.repository, "latest", "ada", "mine.txt")
    finally:
        image.unlink()
