"""Saving files: clear messages, and optional parts never prevent it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from base64 import encodebytes
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import NotebookNotary
from tornado.web import HTTPError
from traitlets import default

from km3lab.folder import NO_SPACE
from km3lab.mending import put_aside
from km3lab.notices import Notices
from km3lab.provenance import Origin
from km3lab.trash import Trash

__all__ = ["HomeContents"]

_Answer = TypeVar("_Answer")
#: The topic of notices about a full disk.
TOPIC = "disk"
#: The topic of notices about notebooks of another image.
IMAGE_TOPIC = "image"


# The base class has no types.
_JupyterNotary: Any = NotebookNotary


class _Notary(_JupyterNotary):
    """Remembers which notebooks are trusted, as far as the home allows."""

    @default("secret")
    def _secret_or_a_new_one(self) -> bytes:
        try:
            secret: bytes = _JupyterNotary._secret_default(self)
        except OSError as error:
            self.log.warning("No notebook secret in the home: %s", error)
            # Known only to this server: notebooks must be trusted again after a restart.
            return encodebytes(os.urandom(1024))
        return secret

    def check_signature(self, nb: Any) -> bool:
        try:
            return bool(super().check_signature(nb))
        except (OSError, sqlite3.Error) as error:
            self.log.warning("Signatures cannot be read: %s", error)
            return False

    def sign(self, nb: Any) -> None:
        try:
            super().sign(nb)
        except (OSError, sqlite3.Error) as error:
            self.log.warning("Signatures cannot be written: %s", error)


class _Checkpoints(AsyncFileCheckpoints):
    """Checkpoints next to the files; where that is impossible, in the temporary folder."""

    def checkpoint_path(self, checkpoint_id: str, path: str) -> str:
        parent = Path(self._get_os_path(path.strip("/"))).parent
        folder = parent / self.checkpoint_dir
        try:
            if os.path.lexists(folder) and not folder.is_dir():
                put_aside(folder)
            found: str = super().checkpoint_path(checkpoint_id, path)
        except (OSError, HTTPError):
            return self._elsewhere(checkpoint_id, path)
        return (
            found if os.access(folder, os.W_OK | os.X_OK) else self._elsewhere(checkpoint_id, path)
        )

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> dict[str, Any]:
        try:
            made: dict[str, Any] = await super().create_checkpoint(contents_mgr, path)
        except OSError:
            identifier = "checkpoint"
            copy = self._elsewhere(identifier, path)
            await self._copy(contents_mgr._get_os_path(path), copy)
            made = await self.checkpoint_model(identifier, copy)
        return made

    def _elsewhere(self, checkpoint_id: str, path: str) -> str:
        name = Path(path.strip("/"))
        user = f"jupyter-checkpoints-{os.getuid()}"
        folder = Path(tempfile.gettempdir(), user, name.parent)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(folder / f"{name.stem}-{checkpoint_id}{name.suffix}")


class HomeContents(AsyncLargeFileManager):
    """The files that Lab shows."""

    @default("notary")
    def _forgiving_notary(self) -> _Notary:
        return _Notary(parent=self)

    @default("checkpoints_class")
    def _checkpoints_of_homes(self) -> type:
        return _Checkpoints

    @property
    def origin(self) -> Origin:
        """The environment and the image of this server."""
        if self._origin is None:
            self._origin = Origin.here()
        return self._origin

    _origin: Origin | None = None

    async def get(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Open as Jupyter does; warn where a notebook was saved with another image."""
        model: dict[str, Any] = await super().get(path, *arguments, **options)
        if model["type"] == "notebook" and model["content"] is not None:
            self._compare(model["content"], path)
        return model

    def _compare(self, notebook: Any, path: str) -> None:
        notices = self._notices()
        found = self.origin.difference(Origin.of(notebook), Path(path).name)
        if notices is None or found is None:
            return
        sentence, details = found
        # Lab opens a file more than once; one warning is enough.
        if not any(n.topic == IMAGE_TOPIC and sentence in n.text for n in notices.current):
            notices.add(IMAGE_TOPIC, "warning", sentence, details=details)

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Save as Jupyter does, with a clear message if the disk is full.

        A notebook also gets the environment and the image that it is saved with.
        """
        if model.get("type") == "notebook":
            self.origin.write(model.get("content"))
        saved: dict[str, Any] = await self._explained(super().save(model, path), path)
        return saved

    async def copy(self, from_path: str, to_path: str | None = None) -> dict[str, Any]:
        """As `save`."""
        copied: dict[str, Any] = await self._explained(super().copy(from_path, to_path), from_path)
        return copied

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """As `save`."""
        await self._explained(super().rename_file(old_path, new_path), new_path)

    async def delete_file(self, path: str) -> None:
        """Move to the trash if there is one with room; else delete as Jupyter does."""
        if not await self._put_into_trash(path):
            await super().delete_file(path)

    async def _put_into_trash(self, path: str) -> bool:
        trash: Trash | None = self._settings().get("km3lab_trash")
        file = self._get_os_path(path.strip("/"))
        if trash is None or not path.strip("/") or not os.path.exists(file):
            return False
        if (not self.allow_hidden and is_hidden(file, self.root_dir)) or not self.is_writable(path):
            # Jupyter refuses with its own message.
            return False
        return await asyncio.to_thread(trash.take, Path(file))

    async def _explained(self, work: Awaitable[_Answer], path: str) -> _Answer:
        try:
            answer = await work
        except (HTTPError, OSError) as error:
            if not _no_space(error):
                raise
            sentence = self._full(path)
            notices = self._notices()
            if notices is not None and not any(n.topic == TOPIC for n in notices.current):
                notices.add(TOPIC, "error", sentence, details=_ADVICE)
            raise HTTPError(507, f"{sentence} {_ADVICE}", reason="Disk full") from error
        notices = self._notices()
        if notices is not None:
            notices.withdraw(TOPIC)
        return answer

    def _full(self, path: str) -> str:
        return f"The disk is full: {Path(path).name} could not be saved."

    def _notices(self) -> Notices | None:
        found: Notices | None = self._settings().get("km3lab_notices")
        return found

    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = getattr(getattr(self.parent, "web_app", None), "settings", {})
        return found


_ADVICE = (
    "Your changes are still open in JupyterLab, and the file on disk is unchanged. Delete files"
    " that you do not need (in a terminal, `du -ah ~ | sort -h | tail -20` shows the largest), then"
    " save again."
)


def _no_space(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            return True
        error = error.__cause__ or error.__context__
    return False
