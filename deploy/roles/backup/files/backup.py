#!/usr/bin/python3
"""km3net-backup run | list | file USER PATH | fetch | place: the platform's data, by restic.

run    save everything; what a database is writing is copied first, so that the copy is whole
list   show the backups
file   bring a user's file or folder back, beside what is there
fetch  (restore) bring a backup's description and settings back to an empty host
place  (restore) bring volumes and databases back; nothing of the platform may run

Needs root; uses Python's standard library and restic.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

CONFIGURATION = Path("/etc/km3net/backup.json")
#: Copies of databases and the list of volumes, which go into the backup too.
STAGE = Path("/var/lib/km3net/backup")
SQLITE = b"SQLite format 3\0"


class BackupError(Exception):
    """It cannot be done; the message says why."""


class Backup:
    """The backups of one host."""

    def __init__(self, given):
        self.project = given["project"]
        self.folder = given["folder"]
        self.keep = given["keep"]
        self.environment = os.environ | given["environment"] | {
            "RESTIC_REPOSITORY": given["repository"],
            "RESTIC_PASSWORD": given["password"],
            "RESTIC_CACHE_DIR": "/var/cache/restic",
        }  # fmt: skip

    # -- tools ---------------------------------------------------------------------------------

    def restic(self, *arguments, quiet=False):
        """Run restic."""
        done = subprocess.run(
            ["restic", *arguments], env=self.environment, capture_output=True, text=True
        )
        if done.returncode and not quiet:
            # In one line, which the journal keeps together.
            said = " ".join((done.stderr.strip() or done.stdout).split())
            raise BackupError(f"restic {arguments[0]}: {said}")
        return done

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
        if self.restic("cat", "config", quiet=True).returncode:
            self.restic("init")
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
        paths = [self.folder, "/etc/km3net", str(STAGE), *(v["Mountpoint"] for v in volumes)]
        self.restic("backup", "--tag", "km3net", *excluded, *paths)
        kept = [f"--keep-{period}={number}" for period, number in self.keep.items()]
        self.restic("forget", "--tag", "km3net", "--group-by", "host,tags", "--prune", *kept)
        (STAGE / "done").touch()
        print(f"saved {len(volumes)} volumes")

    def list(self):
        """Show the backups."""
        print(self.restic("snapshots", "--tag", "km3net").stdout)

    # -- bring back ----------------------------------------------------------------------------

    def file(self, snapshot, user, path):
        """Bring one file or folder of a user back, beside what is there."""
        volume = self.docker("volume", "inspect", f"{self.project}-home-{user}")
        home = Path(json.loads(volume)[0]["Mountpoint"])
        wanted = (home / path).resolve()
        if not wanted.is_relative_to(home) or wanted == home:
            raise BackupError(f"{path} is not below the home of {user}")
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

    def fetch(self, snapshot):
        """Bring settings, secrets and the list of volumes back."""
        parts = [f"--include={path}" for path in (self.folder, str(STAGE))]
        self.restic("restore", snapshot, "--target", "/", *parts)
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
        self.restic("restore", snapshot, "--target", "/", *parts)
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
    parser.add_argument("what", choices=["run", "list", "file", "fetch", "place"])
    parser.add_argument("rest", nargs="*")
    asked = parser.parse_args()
    backup = Backup(json.loads(CONFIGURATION.read_text()))
    given = {"file": [asked.snapshot, *asked.rest], "fetch": [asked.snapshot],
             "place": [asked.snapshot]}.get(asked.what, [])  # fmt: skip
    if asked.what == "file" and len(asked.rest) != 2:
        parser.error("write: km3net-backup file USER PATH")
    try:
        getattr(backup, asked.what)(*given)
    except BackupError as error:
        sys.exit(f"km3net-backup: {error}")


if __name__ == "__main__":
    main()
