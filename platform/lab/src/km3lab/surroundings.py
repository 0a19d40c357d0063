"""The server's environment variables and limits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from km3lab.memory import ControlGroup

__all__ = ["Surroundings"]

#: Files that Docker and Podman put into every container.
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


def _amount(text: str | None) -> int | None:
    """A whole number of bytes; anything else, such as "no limit", is None."""
    try:
        value = int(float(text or ""))
    except (ValueError, OverflowError):
        return None
    return value if value > 0 else None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a server is started with (see the package's README)."""

    home: Path
    environment: str = ""
    size: str = ""
    size_title: str = ""
    memory_limit: int | None = None
    """Bytes, None: no limit."""
    cpu_limit: float | None = None
    tutorials: Path = Path("/opt/tutorials")
    kernels: Path = Path("/opt/km3net")
    home_quota: int | None = None
    """Bytes, when the server was started; None: no quota."""
    scratch: Path | None = None
    """The folder for files that can be made again; None: there is none."""
    scratch_days: int = 0
    """Days after which unused files in it are deleted; 0: never."""
    shared: Path | None = None
    """The folder with those that the user's groups share; None: there are none."""
    contact: str = ""
    hub: bool = False
    """Whether a hub started this server."""
    container: bool = False
    cull_idle_seconds: int | None = None
    """Seconds without activity after which the hub stops the server; None: unknown."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Surroundings:
        """Returns the surroundings that `environ` describes."""
        try:
            cpu = float(environ.get("CPU_LIMIT", "")) or None
        except ValueError:
            cpu = None
        # Without a hub, as in `docker run --memory`, the limit in force counts.
        group = ControlGroup.of_this_process()
        return cls(
            home=Path(environ.get("HOME") or Path.home()),
            environment=environ.get("KM3_ENVIRONMENT", ""),
            size=environ.get("KM3_SIZE", ""),
            size_title=environ.get("KM3_SIZE_TITLE") or environ.get("KM3_SIZE", ""),
            memory_limit=_amount(environ.get("MEM_LIMIT")) or (group.limit if group else None),
            cpu_limit=cpu,
            tutorials=Path(environ.get("KM3_TUTORIALS") or "/opt/tutorials"),
            kernels=Path(environ.get("KM3_KERNELS") or "/opt/km3net"),
            home_quota=_amount(environ.get("KM3_HOME_QUOTA")),
            scratch=Path(environ["KM3_SCRATCH"]) if environ.get("KM3_SCRATCH") else None,
            scratch_days=_amount(environ.get("KM3_SCRATCH_DAYS")) or 0,
            shared=Path(environ["KM3_SHARED"]) if environ.get("KM3_SHARED") else None,
            contact=environ.get("KM3_CONTACT", ""),
            hub=bool(environ.get("JUPYTERHUB_API_TOKEN")),
            container="container" in environ or any(map(os.path.exists, _CONTAINER_MARKS)),
            cull_idle_seconds=_amount(environ.get("KM3_CULL_IDLE_SECONDS")),
        )
