"""Starts kernels and terminals in the user's folder, wherever the server itself runs.

The server runs in `/`, where no user can put a file.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server_terminals.terminalmanager import TerminalManager

__all__ = ["HomeKernels", "HomeTerminals"]


class HomeKernels(AsyncMappingKernelManager):
    """Kernels that start in the file browser's top folder unless another one is requested."""

    async def start_kernel(self, *, path: str | None = None, **options: Any) -> str:
        """Start a kernel; return its identifier."""
        identifier: str = await super().start_kernel(path=path or "", **options)
        return identifier


class HomeTerminals(TerminalManager):
    """Terminals that start in the file browser's top folder unless another one is requested."""

    def new_terminal(self, **options: Any) -> Any:
        """Start a shell."""
        options.setdefault("cwd", self.parent.root_dir)
        return super().new_terminal(**options)
