"""Services, tasks and machines of a swarm, if the settings use one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, text
from km3broker.engine import Answer
from km3broker.handlers import Handlers, as_json, require_tail
from km3broker.objects import inspect, require_own_filter
from km3broker.refusal import Refusal
from km3broker.request import Request, parse_filters
from km3broker.route import BOOLEAN, NAME, NO, NUMBER, Route
from km3broker.service import service_body
from km3settings.names import PROJECT_LABEL, USER_LABEL

__all__ = ["Swarm"]


class Swarm(Handlers):
    """Requests about a swarm; none of them can change the swarm itself."""

    @property
    def routes(self) -> list[Route]:
        """The requests that are answered."""
        return [
            Route("GET", "/services", self.list_),
            Route("POST", "/services/create", self.create),
            Route("GET", f"/services/{NAME}", self.show),
            Route("GET", f"/services/{NAME}/logs", self.logs),
            Route("DELETE", f"/services/{NAME}", self.remove),
            Route("GET", "/tasks", self.tasks),
            Route("GET", "/nodes", self.nodes),
            Route("GET", f"/nodes/{NAME}", self.nodes),
        ]

    async def list_(self, request: Request) -> Answer:
        """List services of this project."""
        request.require_query(filters=".*")
        query = {"filters": require_own_filter(request, self.project)}
        return await self.engine.ask("GET", request.to("/services", query))

    async def show(self, request: Request, name: str) -> Answer:
        """Inspect a service of this project."""
        request.require_query()
        found = await self._own(request, name)
        return as_json(found)

    async def create(self, request: Request) -> Answer:
        """Create a user's server."""
        request.require_query()
        body = request.document()
        owner = self.project.owner(entry(body, "Labels"), text(body.get("Name")))
        allowed = self.rules.allow(lambda rules: service_body(body, owner, rules))
        await self.require_network(request, owner)
        return await self.engine.ask("POST", request.to("/services/create"), allowed)

    async def remove(self, request: Request, name: str) -> Answer:
        """Remove a user's server."""
        request.require_query()
        server = await self._server(request, name)
        return await self.engine.ask("DELETE", request.to(f"/services/{server}"))

    async def logs(self, request: Request, name: str) -> Answer:
        """Return the last lines of a user's server."""
        request.require_query(
            stdout=BOOLEAN, stderr=BOOLEAN, timestamps=BOOLEAN, details=NO, follow=NO, since="0",
            tail=NUMBER,
        )  # fmt: skip
        require_tail(request)
        server = await self._server(request, name)
        return await self.engine.ask("GET", request.to(f"/services/{server}/logs", request.query))

    async def tasks(self, request: Request) -> Answer:
        """List tasks of users' servers, or of the packet filter if the request asks for it."""
        request.require_query(filters=".*")
        services = parse_filters(request, ["service", "node", "desired-state"]).get("service")
        answer = await self.engine.ask("GET", request.to("/tasks", request.query))
        if not answer.succeeded or services == [self.project.names.filters]:
            return answer
        own = [task for task in answer.data() if self._is_own_task(task)]
        return as_json(own)

    async def nodes(self, request: Request, *_: str) -> Answer:
        """Show the machines of the swarm."""
        request.require_query()
        return await self.engine.ask("GET", request.to(request.path))

    def _is_own_task(self, task: Mapping[str, Any]) -> bool:
        labels = entry(entry(entry(task, "Spec"), "ContainerSpec"), "Labels")
        return bool(labels.get(PROJECT_LABEL) == self.project.names.project)

    async def _own(self, request: Request, name: str) -> Mapping[str, Any]:
        found = await inspect(self.engine, request, f"/services/{name}")
        spec = entry(found, "Spec")
        labels = entry(spec, "Labels")
        if USER_LABEL in labels:
            self.project.owner(labels, text(spec.get("Name")))
        else:
            self.project.require_own(labels, text(spec.get("Name")))
        return found

    async def _server(self, request: Request, name: str) -> str:
        """Returns the identifier of a user's service."""
        found = await self._own(request, name)
        spec = entry(found, "Spec")
        if USER_LABEL not in entry(spec, "Labels"):
            raise Refusal(f"{spec.get('Name')} is not a user's server")
        return str(found["ID"])
