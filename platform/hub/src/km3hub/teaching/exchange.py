"""The forms with which teachers publish and collect files."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tornado import web

from km3hub.teaching.actions import TeacherForm
from km3hub.teaching.archive import write_archive
from km3hub.teaching.blobs import FullError
from km3hub.teaching.collecting import CollectionError
from km3hub.teaching.material import MaterialError

__all__ = [
    "ArchiveHandler",
    "CollectHandler",
    "DeleteCollectionHandler",
    "PublishHandler",
    "WithdrawHandler",
]

#: Bytes of the archive that are sent at once.
_PIECE = 1 << 20


class PublishHandler(TeacherForm):
    """`POST /hub/workshops/NAME/files`: `file`, `read_only` (`yes` or absent)."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Publish a file to everybody."""
        self.require_teacher(workshop)
        files = self.request.files.get("file", [])
        if len(files) != 1:
            raise web.HTTPError(400, "Choose one file to publish.")
        read_only = self.get_body_argument("read_only", "") == "yes"
        sender = self.current_user.name
        try:
            self.desk.material.publish(
                workshop, sender, files[0].filename, files[0].body, read_only=read_only
            )
        except MaterialError as error:
            raise web.HTTPError(400, str(error)) from None
        except FullError as error:
            raise web.HTTPError(507, str(error)) from None
        self.desk.delete_unused_files()
        self.log.info("Workshops: %s published a file to workshop %s", sender, workshop)
        self.desk.bell.ring(workshop)
        self.back(workshop, "published")


class WithdrawHandler(TeacherForm):
    """`POST /hub/workshops/NAME/files/withdraw`: `file`."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Publish a file no longer."""
        self.require_teacher(workshop)
        if not self.desk.material.withdraw(workshop, self.number("file")):
            raise web.HTTPError(404, "There is no such file in this workshop.")
        self.desk.delete_unused_files()
        self.desk.bell.ring(workshop)
        self.back(workshop, "withdrawn")


class CollectHandler(TeacherForm):
    """`POST /hub/workshops/NAME/collections`: `path`, below the home."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Collect a file from everybody."""
        self.require_teacher(workshop)
        sender = self.current_user.name
        try:
            self.desk.collecting.ask(workshop, sender, self.get_body_argument("path", ""))
        except CollectionError as error:
            raise web.HTTPError(400, str(error)) from None
        self.log.info("Workshops: %s collects a file from workshop %s", sender, workshop)
        self.desk.bell.ring(workshop)
        self.back(workshop, "collecting")


class DeleteCollectionHandler(TeacherForm):
    """`POST /hub/workshops/NAME/collections/delete`: `collection`."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Delete what was collected."""
        self.require_teacher(workshop)
        if not self.desk.collecting.delete(workshop, self.number("collection")):
            raise web.HTTPError(404, "There is no such collection in this workshop.")
        self.desk.delete_unused_files()
        self.desk.bell.ring(workshop)
        self.back(workshop, "deleted")


class ArchiveHandler(TeacherForm):
    """`GET /hub/workshops/NAME/collections/COLLECTION.zip`: everything that was collected."""

    @web.authenticated
    async def get(self, workshop: str, number: str) -> None:
        """Answer with the zip file."""
        self.require_teacher(workshop)
        collection = self.desk.collecting.get(workshop, int(number))
        if collection is None:
            raise web.HTTPError(404, "There is no such collection in this workshop.")
        answers = self.desk.collecting.answers(collection.id)
        self.set_header("Content-Type", "application/zip")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        name = f"{workshop}-{collection.id}.zip"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            await asyncio.to_thread(write_archive, file, collection, answers, self.desk.blobs)
            with file.open("rb") as archive:
                while piece := archive.read(_PIECE):
                    self.write(piece)
                    await self.flush()
