"""Users' homes, and folders that groups share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, text
from km3broker.engine import Answer
from km3broker.handlers import Handlers, as_json
from km3broker.home import home_body, shared_body
from km3broker.objects import inspect
from km3broker.refusal import Refusal
from km3broker.request import Request
from km3broker.route import NAME, NO, Route
from km3settings.names import SHARED_LABEL

__all__ = ["Volumes"]


class Volumes(Handlers):
    """Requests about volumes; every volume in them is a user's home or a shared folder."""

    @property
    def routes(self) -> list[Route]:
        """The requests that are answered."""
        return [
            Route("POST", "/volumes/create", self.create),
            Route("GET", "/system/df", self.sizes),
            Route("GET", f"/volumes/{NAME}", self.show),
            Route("DELETE", f"/volumes/{NAME}", self.remove),
        ]

    async def create(self, request: Request) -> Answer:
        """Create a home or a shared folder; an existing one is left alone."""
        request.require_query()
        body = request.document()
        name = text(body.get("Name"))
        if SHARED_LABEL in entry(body, "Labels"):
            self.rules.allow(lambda rules: rules.shared_folder(name))
            allowed = shared_body(body, self.project, name)
            return await self.engine.ask("POST", request.to("/volumes/create"), allowed)
        owner = self.project.owner(entry(body, "Labels"), name, volume=True)
        allowed = home_body(body, owner, name)
        return await self.engine.ask("POST", request.to("/volumes/create"), allowed)

    async def sizes(self, request: Request) -> Answer:
        """Return the sizes of this project's homes, and of nothing else."""
        request.require_query()
        answer = await self.engine.ask("GET", request.to("/system/df"))
        if not answer.succeeded:
            return answer
        homes = [volume for volume in answer.data().get("Volumes") or () if self._is_home(volume)]
        return as_json({"Volumes": homes})

    def _is_home(self, volume: Mapping[str, Any]) -> bool:
        try:
            self.project.owner(entry(volume, "Labels"), text(volume.get("Name")), volume=True)
        except Refusal:
            return False
        return True

    async def show(self, request: Request, name: str) -> Answer:
        """Inspect a home."""
        request.require_query()
        found = await self._own(request, name)
        return as_json(found)

    async def remove(self, request: Request, name: str) -> Answer:
        """Remove the home of an account that was removed."""
        request.require_query(force=NO)
        await self._own(request, name)
        return await self.engine.ask("DELETE", request.to(f"/volumes/{name}"))

    async def _own(self, request: Request, name: str) -> Mapping[str, Any]:
        found = await inspect(self.engine, request, f"/volumes/{name}")
        self.project.owner(entry(found, "Labels"), found["Name"], volume=True)
        return found
