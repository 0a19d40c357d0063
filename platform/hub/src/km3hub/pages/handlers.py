"""Handlers of the banner and of static files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.handlers.pages import HealthCheckHandler
from jupyterhub.handlers.static import CacheControlStaticFilesHandler

from km3settings.site import Banner

__all__ = ["STATIC", "BannerHandler", "StaticHandler", "versions"]

#: Style, scripts and pictures; served below `/hub/km3/`.
STATIC = Path(__file__).parent / "static"


class BannerHandler(HealthCheckHandler):
    """`GET /hub/banner`: `{"text": ..., "level": "info" | "warning" | "danger"}`.

    Every open JupyterLab polls it. Like a health check it needs no login and no database, and
    success is not logged.
    """

    def initialize(self, banner: Callable[[], Banner]) -> None:
        """Keep the function that reads the banner."""
        self._read = banner

    async def prepare(self) -> None:
        """Skip authentication: the answer is the same for everybody."""

    def get_content_type(self) -> str:
        """JSON."""
        return "application/json"

    def get(self) -> None:
        """Answer with the current banner."""
        self.set_header("Cache-Control", "no-store")
        # JupyterLab may have an origin of its own, and sends no cookies here.
        self.set_header("Access-Control-Allow-Origin", "*")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(json.dumps(self._read().model_dump()))

    head = get


class StaticHandler(CacheControlStaticFilesHandler):
    """Files of `STATIC`; with their version in the address they may be cached for good."""

    def set_extra_headers(self, path: str) -> None:
        """JupyterHub's rule for caching, and no guessing of types."""
        super().set_extra_headers(path)
        self.set_header("X-Content-Type-Options", "nosniff")


def versions() -> dict[str, Any]:
    """The address below `/hub/` of each static file, with its content's hash as version."""
    return {
        file.name: f"km3/{file.name}?v={StaticHandler.get_content_version(str(file))[:12]}"
        for file in sorted(STATIC.iterdir())
        if file.is_file()
    }
