"""Published files to participants' servers, and collected files from them."""

from __future__ import annotations

import json
from typing import Any

from tornado import web

from km3hub.teaching.blobs import LARGEST, Incoming
from km3hub.teaching.collecting import TROUBLES
from km3hub.teaching.servers import ServerHandler
from km3hub.teaching.store import TeachingError

__all__ = ["CollectedHandler", "PublishedHandler"]

_PIECE = 1 << 18
_TOO_LARGE = f"The file is larger than {LARGEST >> 20} MB."


class TransferHandler(ServerHandler):
    """A request about one workshop of the user whose server sends it."""

    def require_participant(self, workshop: str) -> str:
        """Returns the name of the user.

        Raises
        ------
        tornado.web.HTTPError
            403 for servers of other users.
        """
        user = self.require_server()
        if workshop not in self.workshops_of(user):
            raise web.HTTPError(403, "Only for participants of this workshop.")
        return str(user.name)


class PublishedHandler(TransferHandler):
    """`GET /hub/api/workshops/NAME/files/FILE`: the content of a published file."""

    async def get(self, workshop: str, number: str) -> None:
        """Answer with the bytes, in pieces: many servers ask at the same time."""
        self.require_participant(workshop)
        found = [f for f in self.desk.material.published(workshop) if f.id == int(number)]
        if not found:
            raise web.HTTPError(404, "This file is not published.")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("X-Content-Type-Options", "nosniff")
        with self.desk.blobs.path(found[0].sha256).open("rb") as file:
            while piece := file.read(_PIECE):
                self.write(piece)
                await self.flush()


@web.stream_request_body
class CollectedHandler(TransferHandler):
    """`PUT /hub/api/workshops/NAME/collections/COLLECTION`: a participant's file, in pieces.

    `POST {"trouble": WORD}` says that there is none.
    """

    _incoming: Incoming | None = None
    _refused: web.HTTPError | TeachingError | None = None
    _body = b""

    async def prepare(self) -> None:
        """Check everything before the first piece.

        What is refused is read to its end nevertheless, and not stored: a proxy that is still
        sending when the connection ends reports a failure of the hub instead of the reason.
        """
        await super().prepare()
        try:
            self._check()
        except (web.HTTPError, TeachingError) as error:
            self._refused = error

    def _check(self) -> None:
        workshop, number = self.path_args
        self._user = self.require_participant(workshop)
        due = self.desk.collecting.due(workshop, self._user)
        if int(number) not in {collection.id for collection in due}:
            raise web.HTTPError(409, "This file is not being collected, or was sent already.")
        length = self.request.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > LARGEST:
            raise web.HTTPError(413, _TOO_LARGE)
        if self.request.method == "PUT":
            self._incoming = self.desk.blobs.begin()

    def data_received(self, chunk: bytes) -> None:
        """Write a piece."""
        if self._incoming is not None:
            try:
                self._incoming.write(chunk)
            except ValueError:
                self._refuse(self._incoming, 413, _TOO_LARGE)
            except OSError as error:
                self.log.error("Workshops: a file cannot be stored: %s", error)
                self._refuse(self._incoming, 507, "The disk of the hub is full.")
        elif len(self._body) < 1000:
            self._body += chunk

    def _refuse(self, incoming: Incoming, status: int, reason: str) -> None:
        # An exception here would end the connection without an answer.
        incoming.discard()
        self._incoming = None
        self._refused = web.HTTPError(status, reason)

    def put(self, workshop: str, number: str) -> None:
        """Store the file, and answer with its checksum."""
        if self._incoming is None:
            raise self._refused or web.HTTPError(400, "Send the content of the file.")
        blob = self._incoming.keep()
        self.desk.collecting.answer(int(number), self._user, blob)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"sha256": blob.sha256}))

    def post(self, workshop: str, number: str) -> None:
        """Note why there is no file."""
        if self._refused is not None:
            raise self._refused
        try:
            body: Any = json.loads(self._body)
            trouble = body["trouble"]
        except (ValueError, KeyError, TypeError):
            trouble = None
        if not isinstance(trouble, str) or trouble not in TROUBLES:
            raise web.HTTPError(400, f'Send {{"trouble": one of {", ".join(TROUBLES)}}}.')
        self.desk.collecting.answer(int(number), self._user, trouble)
        self.set_status(204)
        self.finish()

    def on_finish(self) -> None:
        """Forget an unfinished file."""
        if self._incoming is not None:
            self._incoming.discard()
        super().on_finish()

    def on_connection_close(self) -> None:
        """Forget an unfinished file."""
        if self._incoming is not None:
            self._incoming.discard()
        super().on_connection_close()
