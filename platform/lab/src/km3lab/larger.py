"""Restarting this server with the next larger size, if the user may choose one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.httpclient import HTTPClientError

from km3lab.hub import ask

__all__ = ["HubSilentError", "Larger", "RestartHandler", "next_size"]

_UNREACHABLE = "The hub is not responding, so the server was not restarted. Try again in a minute."


@dataclass(frozen=True)
class Larger:
    """A size that the user may choose."""

    title: str
    """For people, with its memory: `Large (8 GB)`."""


class HubSilentError(Exception):
    """The hub does not answer."""


async def next_size() -> Larger | None:
    """Returns the next larger size; None where there is none.

    Raises
    ------
    HubSilentError
        Where the hub does not answer.
    """
    try:
        answer = await ask("larger-size")
        return Larger(str(answer["title"])) if answer["title"] else None
    except (HTTPClientError, OSError, ValueError, KeyError, TypeError) as error:
        raise HubSilentError(str(error)) from error


class RestartHandler(APIHandler):
    """`POST`: restart this server with the next larger size."""

    @web.authenticated
    async def post(self) -> None:
        """Ask the hub for it; the hub's reason is the answer where it refuses."""
        try:
            await ask("larger-size", {})
        except HTTPClientError as error:
            raise web.HTTPError(error.code if error.code < 500 else 503, _reason(error)) from None
        except (OSError, ValueError):
            raise web.HTTPError(503, _UNREACHABLE) from None
        self.set_status(202)
        self.finish()


def _reason(error: Any) -> str:
    try:
        return str(json.loads(error.response.body)["message"])
    except (AttributeError, ValueError, KeyError, TypeError):
        return _UNREACHABLE
