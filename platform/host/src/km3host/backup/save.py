"""Saving everything that cannot be made again."""

from __future__ import annotations

import json
import shutil

from km3host.backup import volumes
from km3host.backup.repository import TAG, BackupError, Repository, RepositoryLockedError
from km3host.events import report

__all__ = ["save"]


def save(repository: Repository) -> None:
    """Save settings, secrets, homes and databases, and remove backups that are too old.

    Parameters
    ----------
    repository
        Where to save; created if it does not exist.

    Raises
    ------
    BackupError
        If the files of a home are not accessible; everything else was saved.
    """
    settings = repository.settings
    repository.create()
    # Locks of a run that was killed, for example by a reboot; restic keeps those still in use.
    repository.restic("unlock")
    stage = settings.stage
    shutil.rmtree(stage / "databases", ignore_errors=True)
    stage.mkdir(parents=True, exist_ok=True)
    stage.chmod(0o700)
    present = volumes.find(settings.project)
    excluded = []
    for volume, path in volumes.databases(present, settings.project):
        volumes.copy_database(path, stage / "databases" / volume.name / path.name)
        excluded += [f"--exclude={path}{end}" for end in ("", *volumes.SQLITE_COMPANIONS)]
    described = [{"Name": volume.name, "Labels": volume.labels} for volume in present]
    (stage / "volumes.json").write_text(json.dumps(described, indent=2))
    paths = [
        settings.folder,
        settings.configuration_folder,
        settings.stage_folder,
        *(str(volume.path) for volume in present),
    ]
    repository.restic("backup", "--host", settings.host, "--tag", TAG, *excluded, *paths)
    report(f"saved {len(present)} volumes", volumes=len(present), host=settings.host)
    if missing := volumes.unmounted(present):
        # Old backups are kept, because they contain what is missing in this one.
        raise BackupError(
            f"the backup lacks the files of {', '.join(missing)}, which are not mounted; start the"
            f" container that mounts them: docker start {settings.project}-homes"
        )
    _forget_old(repository)
    (stage / "done").touch()


def _forget_old(repository: Repository) -> None:
    settings = repository.settings
    keep = [f"--keep-{period}={number}" for period, number in settings.keep.items()]
    own = ["--host", settings.host, "--tag", TAG, "--group-by", "host,tags"]
    try:
        repository.restic("forget", *own, "--prune", *keep)
    except RepositoryLockedError as error:
        # Another machine may be saving for the first time, which can take days.
        report(f"old backups will be removed by the next run: {error.message}")
