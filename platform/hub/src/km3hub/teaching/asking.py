"""What participants decide on the page of their workshop, and what teachers ask them for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado import web

from km3hub.teaching.actions import TeacherForm
from km3hub.teaching.desk import Desk, of_user
from km3hub.teaching.helping import InvitationError, invite, withdraw
from km3hub.teaching.pages import PersonHandler

__all__ = ["AgreementHandler", "HelpDoneHandler", "HelpHandler", "ProgressHandler"]


class ProgressHandler(TeacherForm):
    """`POST /hub/workshops/NAME/progress`: `wanted` (`yes` or `no`)."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Ask participants to show their progress, or stop it."""
        self.require_teacher(workshop)
        wanted = self.get_body_argument("wanted", "") == "yes"
        self.desk.progress.ask(workshop, wanted=wanted)
        self.desk.bell.ring(workshop)
        self.back(workshop, "asked" if wanted else "not-asked")


class HelpDoneHandler(TeacherForm):
    """`POST /hub/workshops/NAME/help/done`: `user`."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Mark a call for help as answered; the invitation ends, too."""
        self.require_teacher(workshop)
        user = self.require_participant(workshop, self.get_body_argument("user", "", strip=False))
        withdraw(self.db, user, workshop)
        self.desk.help.end(workshop, user.name)
        self.back(workshop, "helped")


class ParticipantForm(PersonHandler):
    """A form that only participants of the workshop may send, about themselves."""

    def require_attendance(self, workshop: str) -> Any:
        """Returns the user.

        Raises
        ------
        tornado.web.HTTPError
            403 for everybody who does not participate.
        """
        if workshop not in self.attended():
            raise web.HTTPError(403, "Only participants of this workshop may do this.")
        return self.current_user


class AgreementHandler(ParticipantForm):
    """`POST /hub/workshops/NAME/agreement`: `agreed` (`yes` or `no`)."""

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Show the progress to the teachers, or stop showing it."""
        user = self.require_attendance(workshop)
        agreed = self.get_body_argument("agreed", "") == "yes"
        self.desk.progress.answer(workshop, user.name, agreed=agreed)
        self.desk.bell.ring(of_user(user.name))
        self.back(workshop, "agreed" if agreed else "declined")


class HelpHandler(ParticipantForm):
    """`POST /hub/workshops/NAME/help`: `action` (`call`, `invite` or `end`)."""

    def initialize(self, desk: Callable[[], Desk], invitations: bool = False) -> None:
        """Keep the desk, and whether servers have host names of their own."""
        super().initialize(desk)
        self._invitations = invitations

    @web.authenticated
    def post(self, workshop: str) -> None:
        """Ask for help, invite the teachers to the own server, or end both."""
        user = self.require_attendance(workshop)
        action = self.get_body_argument("action", "")
        if action == "call":
            self.desk.help.call(workshop, user.name)
        elif action == "invite" and self._invitations:
            try:
                until = invite(self.db, user, workshop)
            except InvitationError as error:
                raise web.HTTPError(409, str(error)) from None
            self.desk.help.call(workshop, user.name, until)
            self.log.warning("Workshops: %s invited the teachers of %s", user.name, workshop)
        elif action == "end":
            withdraw(self.db, user, workshop)
            self.desk.help.end(workshop, user.name)
        else:
            raise web.HTTPError(400, "This is not possible on this platform.")
        done = {"call": "called", "invite": "invited", "end": "ended"}[action]
        self.back(workshop, done)
