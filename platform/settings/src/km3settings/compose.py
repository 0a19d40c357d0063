"""The variables of `docker-compose.yml` that follow from the settings."""

from __future__ import annotations

import hashlib

from km3settings.entrance import Entrance
from km3settings.members import members
from km3settings.names import Names
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["compose_environment"]


def compose_environment(settings: Settings, runtime: Runtime) -> dict[str, str]:
    """Returns the variables of `docker-compose.yml`, for the launcher and the deployment alike.

    Secrets are not among them, nor what depends on the machine: the folder of platform.yaml, the
    engine's socket and its group.

    Parameters
    ----------
    settings
        The settings.
    runtime
        The login page's port on this machine and the project.
    """
    names = Names(runtime.project)
    portal = Portal(settings, runtime)
    own = portal.own_environment()
    return {
        # How Compose leaves a service out.
        "COMPOSE_PROFILES": "opendata" if portal.runs_here else "",
        "KM3_PROJECT": runtime.project,
        "KM3_PORT": str(runtime.port),
        "KM3_PATH": Entrance(settings, runtime).path,
        "KM3_BRIDGES": names.bridges,
        "KM3_EGRESS": settings.spawner.egress,
        "KM3_SERVICES": ",".join(members(settings, names)),
        "KM3_SETTINGS": _fingerprint(settings),
        "KM3_OPENDATA_PORT": str(portal.port),
        "KM3_OPENDATA_OPTIONS": " ".join(portal.serve_options()),
        "KM3_OPENDATA_URL": own["OPENDATA_PUBLIC_URL"],
        "KM3_OPENDATA_CONTACT": own["OPENDATA_CONTACT"],
        "KM3_HUB_URL": own["OPENDATA_HUB_URL"],
        **({"KM3_SPAWNER": "swarm"} if settings.spawner.kind == "swarm" else {}),
    }


def _fingerprint(settings: Settings) -> str:
    """Returns a digest of what the hub reads at its start only; a new banner needs no restart."""
    text = settings.model_dump_json(exclude={"site": {"banner"}})
    return hashlib.sha256(text.encode()).hexdigest()[:16]
