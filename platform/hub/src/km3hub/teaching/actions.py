"""What a teacher does on the page of a workshop, one handler per form."""

from __future__ import annotations

from tornado import web

from km3hub.restarting.restart import BusyError, RefusedError, begin_restart, start, stop
from km3hub.teaching.groups import participants
from km3hub.teaching.messages import MessageError
from km3hub.teaching.pages import PersonHandler

__all__ = ["MessageHandler", "ParticipantServerHandler", "TakeBackHandler", "TeacherForm"]


class TeacherForm(PersonHandler):
    """A form that only teachers of the workshop may send."""

    def number(self, field: str) -> int:
        """Returns the whole number in a field of the form.

        Raises
        ------
        tornado.web.HTTPError
            400 for anything else.
        """
        text = self.get_body_argument(field, "")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise web.HTTPError(400, "This form is incomplete. Reload the page and try again.")
        return int(text)


class MessageHandler(TeacherForm):
    """`POST /hub/workshops/NAME/messages`: `text`, `to` (a user name; empty: everybody)."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Send a message."""
        self.require_teacher(workshop)
        recipient = self.get_body_argument("to", "", strip=False)
        if recipient and recipient not in participants(self, workshop):
            raise web.HTTPError(
                404, f"No participant of this workshop is named {recipient[:40]!r}."
            )
        text = self.get_body_argument("text", "", strip=False)
        try:
            self.desk.messages.send(workshop, self.current_user.name, recipient or None, text)
        except MessageError as error:
            raise web.HTTPError(400, str(error)) from None
        self.log.info("Workshops: %s wrote to workshop %s", self.current_user.name, workshop)
        self.desk.bell.ring(workshop)
        self.back(workshop, "sent")


class TakeBackHandler(TeacherForm):
    """`POST /hub/workshops/NAME/messages/take-back`: `message`."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Delete a message; it disappears from JupyterLab, too."""
        self.require_teacher(workshop)
        if not self.desk.messages.take_back(workshop, self.number("message")):
            raise web.HTTPError(404, "There is no such message in this workshop.")
        self.desk.bell.ring(workshop)
        self.back(workshop, "taken-back")


class ParticipantServerHandler(TeacherForm):
    """`POST /hub/workshops/NAME/servers`: `user`, `action` (`start`, `stop` or `restart`)."""

    @web.authenticated
    async def post(self, workshop: str) -> None:
        """Start, stop or restart the server of one participant."""
        self.require_teacher(workshop)
        user = self.require_participant(workshop, self.get_body_argument("user", "", strip=False))
        action = self.get_body_argument("action", "")
        teacher = self.current_user.name
        try:
            if action == "start":
                start(self, user)
                done = "starting"
            elif action == "stop":
                await stop(self, user)
                done = "stopped"
            elif action == "restart":
                begin_restart(self, user)
                done = "restarting"
            else:
                raise web.HTTPError(400, "A server can be started, stopped or restarted.")
        except (BusyError, RefusedError) as error:
            raise web.HTTPError(409, str(error)) from None
        self.log.warning("Workshops: %s: %s of the server of %s", teacher, action, user.name)
        self.back(workshop, done)
