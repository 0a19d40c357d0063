#!/usr/bin/python3
"""km3net-backup run | list | file USER PATH | drill | fetch | place: the platform's backups.

run    save everything; what a database is writing is copied first, so that the copy is whole
list   show the backups of this machine, and which others have some
file   bring a user's file or folder back, beside what is there
drill  bring a backup back into a folder apart, look whether it is whole, and remove it again
fetch  (restore) bring a backup's description and settings back to an empty host
place  (restore) bring volumes and databases back; nothing of the platform may run

Machines may share a repository: each has its own backups there, by its name in the inventory.
Needs root; uses restic and Python's standard library.
"""

import argparse
import fcntl
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

CONFIGURATION = Path("/etc/km3net/backup.json")
#: Copies of databases and the list of volumes, which go into the backup too.
STAGE = Path("/var/lib/km3net/backup")
SQLITE = b"SQLite format 3\0"
TAG = "km3net"
#: How long another machine that uses the repository is waited for, and between looks, in seconds.
PATIENCE, PAUSE = 3600, 10
#: What restic's exit codes say, since its version 0.17. Debian 12 has 0.14.
ABSENT, LOCKED = 10, 11
REMOTE = re.compile("(azure|b2|gs|rclone|rest|s3|sftp|swift):")


class BackupError(Exception):
    """It cannot be done; the message says why."""


class BusyError(BackupError):
    """Another machine uses the repository, and that for long."""


class Backup:
    """The backups of one host."""

    def __init__(self, given):
        self.host = given["host"]
        self.maker = given["maker"]
        self.repository = given["repository"]
        self.sftp_command = given["sftp_command"]
        self.project = given["project"]
        self.folder = given["folder"]
        self.keep = given["keep"]
        self.environment = os.environ | given["environment"] | {
            "RESTIC_REPOSITORY": self.repository,
            "RESTIC_PASSWORD": given["password"],
            "RESTIC_CACHE_DIR": "/var/cache/restic",
        }  # fmt: skip

    # -- tools ---------------------------------------------------------------------------------

    def restic(self, *arguments):
        """Run restic; what another machine has locked is waited for."""
        deadline = time.monotonic() + PATIENCE
        told = False
        while True:
            done = self.try_restic(*arguments)
            if done.returncode == 0:
                return done
            # In one line, which the journal keeps together.
            said = (
                f"restic {arguments[0]}: {' '.join((done.stderr.strip() or done.stdout).split())}"
            )
            if done.returncode != LOCKED and "already locked" not in done.stderr:
                raise BackupError(said)
            if time.monotonic() > deadline:
                raise BusyError(said)
            if not told:
                print(f"waiting, as another machine uses the repository: {said}", flush=True)
            told = True
            # Those that wait for each other must not try at the same times.
            time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - nothing to guess
            # Of one that is gone; it is waited for longer than its lock counts.
            self.try_restic("unlock")

    def try_restic(self, *arguments):
        """Run restic once, and see."""
        options = ["-o", f"sftp.command={self.sftp_command}"] if self.sftp_command else []
        return subprocess.run(
            ["restic", *options, *arguments], env=self.environment, capture_output=True, text=True
        )

    def exists(self):
        """Whether there is a repository."""
        done = self.try_restic("cat", "config")
        if done.returncode == ABSENT or "Is there a repository" in done.stderr:
            return False
        if done.returncode:
            raise BackupError(f"restic: {' '.join(done.stderr.split())}")
        return True

    def make(self):
        """Make the repository where there is none.

        Two machines must not do so at once: both would succeed, and leave two keys, of which one
        opens nothing.
        """
        if self.exists():
            return
        if REMOTE.match(self.repository):
            self.await_maker()
            if not self.exists():
                self.restic("init")
            return
        folder = Path(self.repository.removeprefix("local:"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder may be one that several machines mount.
        with (folder / ".making").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.exists():
                self.restic("init")

    def await_maker(self):
        """Wait until the machine whose task that is has made the repository."""
        if self.maker == self.host:
            return
        print(f"waiting until {self.maker} has made the repository", flush=True)
        deadline = time.monotonic() + PATIENCE
        while not self.exists():
            if time.monotonic() > deadline:
                raise BackupError(
                    f"there is no repository yet; {self.maker} makes it with its first backup"
                )
            time.sleep(PAUSE)

    def snapshots(self):
        """All backups in the repository, the newest last, by machine."""
        text = self.restic("snapshots", "--json", "--tag", TAG).stdout
        found = {}
        for entry in sorted(
            json.loads(text) or [], key=lambda entry: datetime.fromisoformat(entry["time"])
        ):
            found.setdefault(entry["hostname"], []).append(entry)
        return found

    def others(self, snapshots):
        """Which other machines have backups, a line each."""
        return [
            f"{name}: {len(own)}, the newest {own[-1]['short_id']} of {own[-1]['time'][:16]}"
            for name, own in sorted(snapshots.items()) if name != self.host
        ]  # fmt: skip

    def chosen(self, snapshot):
        """The id of a backup; `latest` is this machine's."""
        if snapshot != "latest":
            return snapshot
        snapshots = self.snapshots()
        if self.host in snapshots:
            return snapshots[self.host][-1]["id"]
        there = "; ".join(self.others(snapshots)) or "none at all"
        raise BackupError(
            f"the repository has no backup of {self.host}. What `km3net-backup list` shows there:"
            f" {there}. To take one of those, name it: -e backup_snapshot=ID"
        )

    def docker(self, *arguments):
        """The output of a docker command."""
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
        if done.returncode:
            raise BackupError(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def volumes(self):
        """The platform's volumes as the engine describes them."""
        label = f"label=org.km3net.project={self.project}"
        names = self.docker("volume", "ls", "--quiet", "--filter", label).split()
        return json.loads(self.docker("volume", "inspect", *names)) if names else []

    def databases(self, volumes):
        """Databases of the platform's own volumes (those in homes are users' affair)."""
        homes = f"{self.project}-home-"
        for volume in volumes:
            if volume["Name"].startswith(homes):
                continue
            for path in Path(volume["Mountpoint"]).iterdir():
                if path.is_file():
                    with path.open("rb") as stream:
                        if stream.read(16) == SQLITE:
                            yield volume["Name"], path

    # -- save ----------------------------------------------------------------------------------

    def run(self):
        """Save everything and forget what is too old."""
        self.make()
        # Of a run that was killed, as by a reboot; locks of others that still run stay.
        self.restic("unlock")
        shutil.rmtree(STAGE / "databases", ignore_errors=True)
        STAGE.mkdir(parents=True, exist_ok=True)
        STAGE.chmod(0o700)
        volumes = self.volumes()
        excluded = []
        for volume, path in self.databases(volumes):
            copy = STAGE / "databases" / volume / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            source, target = sqlite3.connect(path), sqlite3.connect(copy)
            source.backup(target)
            source.close()
            target.close()
            excluded += [f"--exclude={path}{end}" for end in ("", "-wal", "-shm", "-journal")]
        described = [{"Name": v["Name"], "Labels": v["Labels"] or {}} for v in volumes]
        (STAGE / "volumes.json").write_text(json.dumps(described, indent=2))
        paths = [
            self.folder,
            str(CONFIGURATION.parent),
            str(STAGE),
            *(v["Mountpoint"] for v in volumes),
        ]
        self.restic("backup", "--host", self.host, "--tag", TAG, *excluded, *paths)
        print(f"saved {len(volumes)} volumes", flush=True)
        self.forget()
        (STAGE / "done").touch()

    def forget(self):
        """Forget what is too old of this machine."""
        kept = [f"--keep-{period}={number}" for period, number in self.keep.items()]
        own = ["--host", self.host, "--tag", TAG, "--group-by", "host,tags"]
        try:
            self.restic("forget", *own, "--prune", *kept)
        except BusyError as error:
            # It saves, perhaps for the first time and for days.
            print(f"old backups are forgotten the next time: {error}", flush=True)

    def list(self):
        """Show the backups."""
        snapshots = self.snapshots()
        if self.host in snapshots:
            print(self.restic("snapshots", "--tag", TAG, "--host", self.host).stdout)
        else:
            print(f"There is no backup of {self.host}.")
        for line in self.others(snapshots):
            print(f"Of {line}")

    # -- bring back ----------------------------------------------------------------------------

    def file(self, snapshot, user, path):
        """Bring one file or folder of a user back, beside what is there."""
        volume = self.docker("volume", "inspect", f"{self.project}-home-{user}")
        home = Path(json.loads(volume)[0]["Mountpoint"])
        wanted = (home / path).resolve()
        if not wanted.is_relative_to(home) or wanted == home:
            raise BackupError(f"{path} is not below the home of {user}")
        snapshot = self.chosen(snapshot)
        place = home / "restored" / time.strftime("%Y-%m-%d-%H%M%S")
        place.mkdir(parents=True)
        self.restic("restore", snapshot, "--target", str(place / ".all"), "--include", str(wanted))
        found = place / ".all" / wanted.relative_to("/")
        if not found.exists():
            shutil.rmtree(place)
            raise BackupError(f"the backup {snapshot} has no {path} of {user}")
        found.rename(place / wanted.name)
        shutil.rmtree(place / ".all")
        owner = home.stat()
        for folder in (place.parent, place):
            os.chown(folder, owner.st_uid, owner.st_gid)
        print(f"brought back as {(place / wanted.name).relative_to(home)}")

    def drill(self, snapshot, folder):
        """Bring a backup back into a folder apart, and say whether a platform could live on it."""
        folder = folder or tempfile.gettempdir()
        snapshot = self.chosen(snapshot)
        asked = ["stats", snapshot, "--json", "--mode", "restore-size"]
        size = json.loads(self.restic(*asked).stdout)["total_size"]
        free = shutil.disk_usage(folder).free
        if size > free:
            raise BackupError(
                f"the backup has {size / 1e9:.1f} GB, and {folder} has room for {free / 1e9:.1f}"
                " GB. Name another folder: -e backup_drill_folder=PATH"
            )
        began = time.monotonic()
        # Only its owner, who is root, may enter.
        with tempfile.TemporaryDirectory(prefix="km3net-drill-", dir=folder) as name:
            place = Path(name)
            self.restic("restore", snapshot, "--target", name, "--verify")
            volumes = json.loads(self.saved(place, STAGE / "volumes.json").read_text())
            volumes = [volume["Name"] for volume in volumes]
            self.saved(place, Path(self.folder))
            root = Path(self.docker("info", "--format={{.DockerRootDir}}").strip())
            for volume in volumes:
                self.saved(place, root / "volumes" / volume / "_data")
            copies = sorted(self.beside(place, STAGE / "databases").glob("*/*"))
            for copy in copies:
                self.require_whole(copy)
            files = sum(path.is_file() and not path.is_symlink() for path in place.rglob("*"))
        seconds = time.monotonic() - began
        print(
            f"backup {snapshot[:8]}: {files} files with {size / 1e6:,.1f} MB came back in"
            f" {seconds:.0f} s; {len(volumes)} volumes and {len(copies)} databases are whole"
        )
        newer = [volume["Name"] for volume in self.volumes() if volume["Name"] not in volumes]
        if newer:
            print(f"not in it, as they are newer: {', '.join(newer)}")

    @staticmethod
    def beside(place, path):
        """Where a path of the host is below the folder into which a backup came back."""
        return place / path.relative_to("/")

    def saved(self, place, path):
        """The same, for what must be there."""
        found = self.beside(place, path)
        if not found.exists():
            raise BackupError(f"the backup has no {path}")
        return found

    @staticmethod
    def require_whole(database):
        """Have a database look at itself."""
        name = f"{database.parent.name}/{database.name}"
        connection = sqlite3.connect(database)
        try:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            said = str(error)
        finally:
            connection.close()
        if said != "ok":
            raise BackupError(f"in the backup the database {name} is damaged: {said}")

    def fetch(self, snapshot):
        """Bring settings, secrets and the list of volumes back."""
        parts = [f"--include={path}" for path in (self.folder, str(STAGE))]
        self.restic("restore", self.chosen(snapshot), "--target", "/", *parts)
        for volume in json.loads((STAGE / "volumes.json").read_text()):
            labels = [f"--label={key}={value}" for key, value in volume["Labels"].items()]
            self.docker("volume", "create", *labels, volume["Name"])
        print("settings and secrets are back")

    def place(self, snapshot):
        """Bring volumes and databases back."""
        if self.docker("ps", "--quiet", "--filter", f"label=org.km3net.project={self.project}"):
            raise BackupError("the platform runs; stop it first")
        volumes = self.volumes()
        parts = [f"--include={volume['Mountpoint']}" for volume in volumes]
        self.restic("restore", self.chosen(snapshot), "--target", "/", *parts)
        places = {volume["Name"]: Path(volume["Mountpoint"]) for volume in volumes}
        for copy in (STAGE / "databases").glob("*/*"):
            folder = places[copy.parent.name]
            target = folder / copy.name
            for end in ("-wal", "-shm", "-journal"):
                Path(f"{target}{end}").unlink(missing_ok=True)
            shutil.copyfile(copy, target)
            owner = folder.stat()
            os.chown(target, owner.st_uid, owner.st_gid)
            target.chmod(0o600)
        print(f"{len(volumes)} volumes are back")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--snapshot", default="latest")
    parser.add_argument("--folder", help="for drill: where there is room for all of a backup")
    parser.add_argument("what", choices=["run", "list", "file", "drill", "fetch", "place"])
    parser.add_argument("rest", nargs="*")
    asked = parser.parse_args()
    backup = Backup(json.loads(CONFIGURATION.read_text()))
    given = {
        "file": [asked.snapshot, *asked.rest],
        "drill": [asked.snapshot, asked.folder],
        "fetch": [asked.snapshot],
        "place": [asked.snapshot],
    }.get(asked.what, [])
    if asked.what == "file" and len(asked.rest) != 2:
        parser.error("write: km3net-backup file USER PATH")
    try:
        getattr(backup, asked.what)(*given)
    except (BackupError, OSError) as error:
        sys.exit(f"km3net-backup: {error}")


if __name__ == "__main__":
    main()
