"""The pages of workshops, and what the servers of participants exchange with the hub."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jupyterhub import orm
from sqlalchemy import event

from km3hub.configure.extending import extend
from km3hub.teaching.actions import (
    MessageHandler,
    ParticipantServerHandler,
    TakeBackHandler,
)
from km3hub.teaching.asking import (
    AgreementHandler,
    HelpDoneHandler,
    HelpHandler,
    ProgressHandler,
)
from km3hub.teaching.desk import Desk
from km3hub.teaching.exchange import (
    ArchiveHandler,
    CollectHandler,
    DeleteCollectionHandler,
    PublishHandler,
    WithdrawHandler,
)
from km3hub.teaching.groups import NAME, attended, taught
from km3hub.teaching.helping import end_invitations
from km3hub.teaching.pages import WorkshopHandler, WorkshopListHandler
from km3hub.teaching.servers import WorkshopsHandler
from km3hub.teaching.store import TeachingError
from km3hub.teaching.transfers import CollectedHandler, PublishedHandler
from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_teaching"]

log = logging.getLogger("jupyterhub.km3hub.workshops")

_NUMBER = "[0-9]{1,15}"
#: Seconds between two searches for invitations that have expired.
_PERIOD = 15.0
#: The event loop has only weak references to tasks.
_tasks: list[asyncio.Task[None]] = []


def configure_teaching(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the pages, and the API of participants' servers."""
    desk = Desk(runtime.state.teaching, runtime.state.teaching_files)

    # Functions, because JupyterHub copies every other value of its configuration.
    def shared_desk() -> Desk:
        return desk

    def has_workshops(user: Any) -> bool:
        groups = [group.name for group in getattr(user, "groups", ())]
        return bool(taught(groups) or attended(groups))

    options = {"desk": shared_desk}
    # Where users' servers share the hub's host name, only their owners can open them.
    inviting = {**options, "invitations": Origins(settings, runtime).own}
    page = rf"/workshops/({NAME})"
    handlers = [
        (r"/workshops/?", WorkshopListHandler, options),
        (page, WorkshopHandler, inviting),
        (rf"{page}/messages", MessageHandler, options),
        (rf"{page}/messages/take-back", TakeBackHandler, options),
        (rf"{page}/servers", ParticipantServerHandler, options),
        (rf"{page}/files", PublishHandler, options),
        (rf"{page}/files/withdraw", WithdrawHandler, options),
        (rf"{page}/collections", CollectHandler, options),
        (rf"{page}/collections/delete", DeleteCollectionHandler, options),
        (rf"{page}/collections/({_NUMBER})\.zip", ArchiveHandler, options),
        (rf"{page}/progress", ProgressHandler, options),
        (rf"{page}/agreement", AgreementHandler, options),
        (rf"{page}/help", HelpHandler, inviting),
        (rf"{page}/help/done", HelpDoneHandler, options),
        (r"/api/workshops", WorkshopsHandler, options),
        (rf"/api{page}/files/({_NUMBER})", PublishedHandler, options),
        (rf"/api{page}/collections/({_NUMBER})", CollectedHandler, options),
    ]
    extend(c.JupyterHub, "extra_handlers", handlers)
    extend(c.JupyterHub, "template_vars", {"km3_has_workshops": has_workshops})
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # the configuration is only being read

    def forget(mapper: Any, connection: Any, user: Any) -> None:
        # The next person with the name inherits nothing.
        try:
            desk.store.erase(user.name)
        except TeachingError as error:
            log.error("what workshops know of %s was not erased: %s", user.name, error)

    event.listen(orm.User, "after_delete", forget)
    _tasks.append(loop.create_task(_end_invitations()))


async def _end_invitations() -> None:
    from jupyterhub.app import JupyterHub

    while True:
        await asyncio.sleep(_PERIOD)
        hub = JupyterHub.instance()
        try:
            # None while the hub is starting.
            if getattr(hub, "db", None) is not None:
                end_invitations(hub.db)
        except Exception:  # one failure must not end the loop
            log.exception("invitations could not be ended")
            hub.db.rollback()
