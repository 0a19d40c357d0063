"""Users' networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, require_allowed, text
from km3broker.engine import Answer
from km3broker.handlers import Handlers, as_json
from km3broker.network import connection_body, network_body
from km3broker.objects import inspect, require_own_filter
from km3broker.refusal import Refusal
from km3broker.request import Request
from km3broker.route import NAME, Route

__all__ = ["Networks"]


class Networks(Handlers):
    """Requests about networks; every network in them is a user's of this project."""

    @property
    def routes(self) -> list[Route]:
        """The requests that are answered."""
        return [
            Route("GET", "/networks", self.list_),
            Route("POST", "/networks/create", self.create),
            Route("GET", f"/networks/{NAME}", self.show),
            Route("POST", f"/networks/{NAME}/connect", self.connect),
            Route("POST", f"/networks/{NAME}/disconnect", self.disconnect),
            Route("DELETE", f"/networks/{NAME}", self.remove),
        ]

    async def list_(self, request: Request) -> Answer:
        """List networks of this project."""
        request.require_query(filters=".*")
        query = {"filters": require_own_filter(request, self.project)}
        return await self.engine.ask("GET", request.to("/networks", query))

    async def show(self, request: Request, name: str) -> Answer:
        """Inspect a user's network."""
        request.require_query()
        found = await self._own(request, name)
        return as_json(found)

    async def create(self, request: Request) -> Answer:
        """Create a user's network."""
        request.require_query()
        body = request.document()
        owner = self.project.owner(entry(body, "Labels"), text(body.get("Name")))
        allowed = self.rules.allow(lambda rules: network_body(body, owner, rules))
        return await self.engine.ask("POST", request.to("/networks/create"), allowed)

    async def connect(self, request: Request, name: str) -> Answer:
        """Let hub and proxy or a data service join a user's network."""
        request.require_query()
        body = request.document()
        allowed = self.rules.allow(lambda rules: connection_body(body, rules))
        network = (await self._own(request, name))["Id"]
        return await self.engine.ask("POST", request.to(f"/networks/{network}/connect"), allowed)

    async def disconnect(self, request: Request, name: str) -> Answer:
        """Remove any container from a user's network."""
        request.require_query()
        body = request.document()
        container = text(body.get("Container"))
        if not re.fullmatch(NAME, container, re.ASCII):
            raise Refusal("Container is not a name")
        allowed = {"Container": container, "Force": True}
        require_allowed(allowed, body)
        network = (await self._own(request, name))["Id"]
        return await self.engine.ask("POST", request.to(f"/networks/{network}/disconnect"), allowed)

    async def remove(self, request: Request, name: str) -> Answer:
        """Remove a user's network."""
        request.require_query()
        network = (await self._own(request, name))["Id"]
        return await self.engine.ask("DELETE", request.to(f"/networks/{network}"))

    async def _own(self, request: Request, name: str) -> Mapping[str, Any]:
        found = await inspect(self.engine, request, f"/networks/{name}")
        self.project.owner(entry(found, "Labels"), found["Name"])
        return found
