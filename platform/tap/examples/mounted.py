"""The services below /vo of a web application of your own.

Usage: ADQLITE_FOLDER=FOLDER uvicorn mounted:app
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from adqlite.http.asgi import application


async def home(request: Request) -> Response:
    """Say where the services are."""
    return PlainTextResponse(f"Query the tables at {request.base_url}vo/tap\n")


app = Starlette(routes=[Route("/", home), Mount("/vo", application())])
