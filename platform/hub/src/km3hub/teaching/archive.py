"""The zip file with everything that was collected."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from km3hub.teaching.blobs import Blobs
from km3hub.teaching.collecting import TROUBLES, Collected, Collection

__all__ = ["write_archive"]


def write_archive(
    target: Path, collection: Collection, answers: Iterable[Collected], blobs: Blobs
) -> None:
    """Write a zip file with a folder for each participant, checksums, and a list.

    Parameters
    ----------
    target
        Where to write.
    collection, answers
        What was collected. The files' names come from the collection, which was checked, and from
        user names, of which only letters, digits, `.`, `_` and `-` are used.
    blobs
        The contents.
    """
    rows, sums = io.StringIO(newline=""), []
    table = csv.writer(rows)
    table.writerow(["user", "time", "bytes", "sha256", "remark"])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in answers:
            at = datetime.fromtimestamp(one.at, UTC)
            remark = TROUBLES.get(one.trouble or "", "")
            user = _safe(one.user)
            table.writerow([user, at.isoformat(timespec="seconds"), one.bytes, one.sha256, remark])
            if one.sha256 is None:
                continue
            name = f"{user}/{collection.path}"
            info = zipfile.ZipInfo(name, at.timetuple()[:6])
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, blobs.path(one.sha256).read_bytes())
            sums.append(f"{one.sha256}  {name}\n")
        archive.writestr("collected.csv", rows.getvalue())
        archive.writestr("SHA256SUMS", "".join(sums))


def _safe(user: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", user).lstrip(".") or "_"
