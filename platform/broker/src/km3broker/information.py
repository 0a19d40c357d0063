"""What the engine says about itself and about the images of the environments."""

from __future__ import annotations

from dataclasses import dataclass

from km3broker.engine import Answer, Engine
from km3broker.refusal import Refusal
from km3broker.request import Request
from km3broker.route import Route
from km3broker.rules import Rules
from km3broker.rules_file import RulesFile

__all__ = ["Information"]


@dataclass(frozen=True)
class Information:
    """Requests that change nothing and concern no container.

    Parameters
    ----------
    engine
        Where allowed requests go.
    rules
        Which images are in use.
    """

    engine: Engine
    rules: RulesFile

    @property
    def routes(self) -> list[Route]:
        """The requests that are answered."""
        return [
            Route("GET", "/_ping", self.pass_on),
            Route("GET", "/version", self.pass_on),
            Route("GET", "/images/(.+)/json", self.image),
        ]

    async def pass_on(self, request: Request) -> Answer:
        """Ping the engine, or ask for its version."""
        request.require_query()
        return await self.engine.ask("GET", request.to(request.path))

    async def image(self, request: Request, name: str) -> Answer:
        """Inspect the image of an environment."""
        request.require_query()

        def require_listed(rules: Rules) -> None:
            if name not in rules.images:
                raise Refusal("the image is not that of an environment")

        self.rules.allow(require_listed)
        return await self.engine.ask("GET", request.to(request.path))
