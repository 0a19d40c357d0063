"""Containers: users' servers, and those of the platform itself."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from km3broker.allowed import entry
from km3broker.engine import Answer
from km3broker.handlers import Handlers, as_json, require_tail
from km3broker.home import require_home
from km3broker.objects import inspect, require_own_filter
from km3broker.refusal import Refusal
from km3broker.request import Request, parse_filters
from km3broker.route import BOOLEAN, NAME, NO, NUMBER, Route
from km3broker.server import Server
from km3settings.names import USER_LABEL

__all__ = ["Containers"]

#: Seconds by which the end of a range of events may lie in the future: the engine waits for it.
_AHEAD = 5


class Containers(Handlers):
    """Requests about containers."""

    @property
    def routes(self) -> list[Route]:
        """The requests that are answered."""
        return [
            Route("GET", "/containers/json", self.list_),
            Route("POST", "/containers/create", self.create),
            Route("GET", f"/containers/{NAME}/json", self.show),
            Route("GET", f"/containers/{NAME}/logs", self.logs),
            Route("GET", f"/containers/{NAME}/stats", self.stats),
            Route("GET", "/events", self.events),
            Route("POST", f"/containers/{NAME}/start", self.start),
            Route("POST", f"/containers/{NAME}/stop", self.stop),
            Route("POST", f"/containers/{NAME}/restart", self.restart),
            Route("DELETE", f"/containers/{NAME}", self.remove),
        ]

    async def list_(self, request: Request) -> Answer:
        """List containers of this project."""
        request.require_query(limit="-1", all=BOOLEAN, size=NO, trunc_cmd=NO, filters=".*")
        query = {
            "all": request.query.get("all", "0"),
            "filters": require_own_filter(request, self.project),
        }
        return await self.engine.ask("GET", request.to("/containers/json", query))

    async def show(self, request: Request, name: str) -> Answer:
        """Inspect a container of this project."""
        request.require_query()
        found = await self._own(request, name)
        if not _is_users(found):
            # The hub has no need of the other services' variables; some may be secrets.
            found = {**found, "Config": {**entry(found, "Config"), "Env": []}}
        return as_json(found)

    async def create(self, request: Request) -> Answer:
        """Create a user's server."""
        request.require_query(name=NAME)
        body = request.document()
        owner = self.project.owner(entry(body, "Labels"), request.query.get("name", ""))
        server = self.rules.allow(lambda rules: Server.of(body, owner, rules))
        image, _, *volumes = await asyncio.gather(
            self._found(request, f"/images/{server.image}/json"),
            self.require_network(request, owner),
            *(
                self._found(request, f"/volumes/{name}")
                for name in (*server.volumes, *server.shared)
            ),
        )
        for volume in volumes:
            name = volume["Name"]
            labels = entry(volume, "Labels")
            if name in server.shared:
                self.project.shared_folder(labels, name)
            elif self.project.owner(labels, name, volume=True) != owner:
                raise Refusal(f"the volume {name} belongs to somebody else")
            require_home(volume)
        target = request.to("/containers/create", {"name": owner.server})
        return await self.engine.ask("POST", target, server.with_image(image["Id"]))

    async def start(self, request: Request, name: str) -> Answer:
        """Start a user's server, or a container of the platform that the keeper looks after."""
        request.require_no_body()
        request.require_query()
        found = await self._own(request, name)
        names = self.project.names
        services = (names.net, names.firewall, names.homes, names.opendata)
        if not _is_users(found):
            self._require_one_of(found, (*services, names.hub, names.proxy))
        return await self.engine.ask("POST", request.to(f"/containers/{found['Id']}/start"))

    async def restart(self, request: Request, name: str) -> Answer:
        """Restart hub or proxy in the namespace of a new `net`."""
        request.require_no_body()
        request.require_query(t=NUMBER)
        found = await self._own(request, name)
        self._require_one_of(found, (self.project.names.hub, self.project.names.proxy))
        target = request.to(f"/containers/{found['Id']}/restart", request.query)
        return await self.engine.ask("POST", target)

    async def stop(self, request: Request, name: str) -> Answer:
        """Stop a user's server."""
        request.require_no_body()
        request.require_query(t=NUMBER)
        server = await self._server(request, name)
        target = request.to(f"/containers/{server}/stop", request.query)
        return await self.engine.ask("POST", target)

    async def remove(self, request: Request, name: str) -> Answer:
        """Remove a user's server."""
        request.require_query(v=BOOLEAN, link=NO, force=BOOLEAN)
        server = await self._server(request, name)
        return await self.engine.ask("DELETE", request.to(f"/containers/{server}", request.query))

    async def logs(self, request: Request, name: str) -> Answer:
        """Return the last lines of a user's server."""
        request.require_query(
            stdout=BOOLEAN, stderr=BOOLEAN, timestamps=BOOLEAN, follow=NO, tail=NUMBER
        )
        require_tail(request)
        server = await self._server(request, name)
        return await self.engine.ask("GET", request.to(f"/containers/{server}/logs", request.query))

    async def stats(self, request: Request, name: str) -> Answer:
        """Return one measurement of what a user's server has used."""
        request.require_query(**{"stream": NO, "one-shot": BOOLEAN})
        if "stream" not in request.query:
            raise Refusal("stats must not be a stream: stream=0")
        server = await self._server(request, name)
        return await self.engine.ask(
            "GET", request.to(f"/containers/{server}/stats", request.query)
        )

    async def events(self, request: Request) -> Answer:
        """Return past events that tell how a container of this project ended."""
        request.require_query(since="[0-9]{1,12}", until="[0-9]{1,12}", filters=".*")
        filters = parse_filters(request, ["container", "event"])
        containers, events = filters.get("container", []), filters.get("event", [])
        if len(containers) != 1 or not events or not set(events) <= {"kill", "stop"}:
            raise Refusal("events are limited to kill and stop of one container")
        if not {"since", "until"} <= request.query.keys():
            raise Refusal("events are limited by since and until")
        if int(request.query["until"]) > time.time() + _AHEAD:
            raise Refusal("until is in the future")
        if not re.fullmatch(NAME, containers[0], re.ASCII):
            raise Refusal("the filter container is not a name")
        found = await self._own(request, containers[0])
        query = {
            "since": request.query["since"],
            "until": request.query["until"],
            "filters": json.dumps({"container": [found["Id"]], "event": events}),
        }
        answer = await self.engine.ask("GET", request.to("/events", query))
        return replace(answer, in_pieces=answer.succeeded)

    async def _found(self, request: Request, path: str) -> Mapping[str, Any]:
        return await inspect(self.engine, request, path)

    async def _own(self, request: Request, name: str) -> Mapping[str, Any]:
        """Returns a container of this project; a user's server must have its user's name."""
        found = await self._found(request, f"/containers/{name}/json")
        labels = entry(entry(found, "Config"), "Labels")
        if USER_LABEL in labels:
            self.project.owner(labels, _name(found))
        else:
            self.project.require_own(labels, _name(found))
        return found

    async def _server(self, request: Request, name: str) -> str:
        """Returns the identifier of a user's server."""
        found = await self._own(request, name)
        if not _is_users(found):
            raise Refusal(f"{_name(found)} is not a user's server")
        return str(found["Id"])

    def _require_one_of(self, found: Mapping[str, Any], names: tuple[str, ...]) -> None:
        if _is_users(found) or _name(found) not in names:
            raise Refusal(f"{_name(found)} is not a container that the keeper looks after")


def _name(container: Mapping[str, Any]) -> str:
    return str(container["Name"]).removeprefix("/")


def _is_users(container: Mapping[str, Any]) -> bool:
    return USER_LABEL in entry(entry(container, "Config"), "Labels")
