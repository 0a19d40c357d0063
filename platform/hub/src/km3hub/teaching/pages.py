"""`/hub/workshops`: the page of a workshop, for its teachers and for its participants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from km3hub.teaching.blobs import LARGEST
from km3hub.teaching.collecting import TROUBLES
from km3hub.teaching.desk import Desk
from km3hub.teaching.groups import attended, participants, taught
from km3hub.teaching.messages import LONGEST
from km3hub.teaching.people import look
from km3hub.teaching.store import TeachingError
from km3hub.teaching.words import as_time, time_ago

__all__ = ["PersonHandler", "WorkshopHandler", "WorkshopListHandler"]

#: What a page says after an action, by the value of `?done=`.
DONE = {
    "sent": "The message was sent.",
    "taken-back": "The message was taken back.",
    "starting": "The server is starting.",
    "stopped": "The server was stopped.",
    "restarting": "The server is restarting.",
    "published": "The file was published. It arrives within seconds where a server is running.",
    "withdrawn": "The file is no longer published. Copies that have arrived stay.",
    "collecting": "The file is being collected.",
    "deleted": "The collection was deleted.",
    "asked": "Participants are asked in JupyterLab. You see the progress of those who agree.",
    "not-asked": "Progress is no longer shown, and what was known is deleted.",
    "agreed": "Your teachers see which notebook and cell you have reached.",
    "declined": "Your teachers do not see which notebook and cell you have reached.",
    "called": "Your teachers see that you need help.",
    "invited": "Your teachers can open your server for an hour.",
    "ended": "You no longer ask for help, and an invitation has ended.",
    "helped": "The call for help is closed.",
}


class PersonHandler(BaseHandler):
    """A page about workshops, for a person with a browser."""

    desk: Desk

    def initialize(self, desk: Callable[[], Desk]) -> None:
        """Keep the desk."""
        self.desk = desk()

    def taught(self) -> list[str]:
        """Returns the workshops whose teacher the user is."""
        return taught(group.name for group in self.current_user.groups)

    def attended(self) -> list[str]:
        """Returns the workshops that the user participates in."""
        return attended(group.name for group in self.current_user.groups)

    def require_teacher(self, workshop: str) -> None:
        """Let teachers of the workshop and administrators pass.

        Raises
        ------
        tornado.web.HTTPError
            403 for everybody else, whether there is such a workshop or not.
        """
        if workshop not in self.taught() and not self.current_user.admin:
            raise web.HTTPError(403, "Only the teachers of this workshop may do this.")

    def require_participant(self, workshop: str, name: str) -> Any:
        """Returns the user of a participant of the workshop.

        Raises
        ------
        tornado.web.HTTPError
            404 where nobody of this name participates, or the participant never logged in.
        """
        if name not in participants(self, workshop):
            raise web.HTTPError(404, f"No participant of this workshop is named {name[:40]!r}.")
        user = self.find_user(name)
        if user is None:
            raise web.HTTPError(404, f"{name} has not logged in yet, so there is no server.")
        return user

    @property
    def template_namespace(self) -> dict[str, Any]:
        """JupyterHub's, and times in words."""
        words = {"km3_time": as_time, "km3_ago": time_ago}
        found: dict[str, Any] = {**super().template_namespace, **words}
        return found

    def back(self, workshop: str, done: str = "") -> None:
        """Redirect to the workshop's page, which reports what was done."""
        query = f"?done={done}" if done else ""
        self.redirect(f"{self.hub.base_url}workshops/{workshop}{query}", status=303)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer 503 with a sentence where the database cannot be used."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, TeachingError):
            self.log.error("Workshops: %s", error)
            sentence = "Workshops cannot be used at the moment. Try again in a minute."
            failure = web.HTTPError(503, sentence)
            kwargs["exc_info"] = (web.HTTPError, failure, None)
            status_code = 503
            self.set_status(503)
        super().write_error(status_code, **kwargs)


class WorkshopListHandler(PersonHandler):
    """`GET /hub/workshops`: the user's workshops."""

    @web.authenticated
    async def get(self) -> None:
        """Show them; where there is only one, go there."""
        names = sorted({*self.taught(), *self.attended()})
        if len(names) == 1:
            self.back(names[0])
            return
        page = await self.render_template("workshops.html", names=names, taught=self.taught())
        self.finish(page)


class WorkshopHandler(PersonHandler):
    """`GET /hub/workshops/NAME`: the page of one workshop."""

    def initialize(self, desk: Callable[[], Desk], invitations: bool = False) -> None:
        """Keep the desk, and whether participants can invite their teachers."""
        super().initialize(desk)
        self._invitations = invitations

    @web.authenticated
    async def get(self, workshop: str) -> None:
        """Show the page for teachers, or the page for participants."""
        self.set_header("Cache-Control", "no-store")
        done = DONE.get(self.get_argument("done", ""), "")
        if workshop in self.taught() or self.current_user.admin:
            page = await self._for_teachers(workshop, done)
        elif workshop in self.attended():
            page = await self._for_participants(workshop, done)
        else:
            raise web.HTTPError(403, "This page is for the people of this workshop.")
        self.finish(page)

    async def _for_teachers(self, workshop: str, done: str) -> str:
        people = look(self, self.desk, workshop, participants(self, workshop))
        page: str = await self.render_template(
            "teaching.html",
            workshop=workshop,
            done=done,
            people=people,
            running=sum(person.state == "running" for person in people),
            messages=self.desk.messages.sent(workshop),
            longest_message=LONGEST,
            files=self.desk.material.published(workshop),
            largest=LARGEST >> 20,
            collections=[
                (one, self.desk.collecting.answers(one.id))
                for one in self.desk.collecting.all(workshop)
            ],
            troubles=TROUBLES,
            progress_wanted=self.desk.progress.wanted(workshop),
        )
        return page

    async def _for_participants(self, workshop: str, done: str) -> str:
        name = self.current_user.name
        page: str = await self.render_template(
            "workshop.html",
            workshop=workshop,
            done=done,
            collected=self.desk.collecting.of(workshop, name),
            troubles=TROUBLES,
            progress=self.desk.progress.answer_of(workshop, name),
            call=self.desk.help.calls(workshop).get(name),
            invitations=self._invitations,
        )
        return page
