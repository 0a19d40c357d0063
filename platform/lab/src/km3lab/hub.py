"""Requests of this server to its hub, with the server's own token."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado.httpclient import HTTPResponse

__all__ = ["ask", "fetch", "post"]


async def fetch(
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 20,
) -> HTTPResponse:
    """Returns the hub's answer.

    Parameters
    ----------
    path
        Below `/hub/api/`.
    method, body, headers
        The request.
    seconds
        How long it may take.

    Raises
    ------
    tornado.httpclient.HTTPClientError, OSError
        Where the hub refuses or does not answer.
    """
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    request = HTTPRequest(
        f"{os.environ['JUPYTERHUB_API_URL']}/{path}",
        method=method,
        headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}", **(headers or {})},
        body=body,
        connect_timeout=seconds,
        request_timeout=seconds,
    )
    return await AsyncHTTPClient().fetch(request)


async def ask(path: str, content: object = None, *, seconds: float = 20) -> Any:
    """Returns the JSON that the hub answers; with `content`, which is sent as JSON, to a POST.

    Raises
    ------
    tornado.httpclient.HTTPClientError, OSError, ValueError
        Where the hub refuses, does not answer, or answers something else.
    """
    answer = await (
        fetch(path, seconds=seconds) if content is None else post(path, content, seconds)
    )
    return json.loads(answer.body)


async def post(path: str, content: object, seconds: float = 20) -> HTTPResponse:
    """Send JSON; raises as `fetch`."""
    json_type = {"Content-Type": "application/json"}
    body = json.dumps(content).encode()
    return await fetch(path, method="POST", body=body, headers=json_type, seconds=seconds)
