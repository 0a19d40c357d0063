"""The variables of `docker-compose.yml` that follow from the settings."""

from __future__ import annotations

import hashlib
from typing import Any

from km3settings.disks import HomesChoice
from km3settings.egress import as_variable
from km3settings.members import members
from km3settings.names import Names
from km3settings.origins import Origins
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["READ_AGAIN", "compose_environment"]

#: Settings that apply without a restart, because they are read again where they are used.
READ_AGAIN: dict[str, Any] = {
    "site": {"banner"},
    "homes": {"quota": True, "group_quotas": True, "scratch": True},
}


def compose_environment(
    settings: Settings, runtime: Runtime, homes: HomesChoice | None = None
) -> dict[str, str]:
    """Returns the variables of `docker-compose.yml`, for the launcher and the deployment alike.

    Secrets are not among them, nor what depends on the machine: the folder of platform.yaml, the
    engine's socket and its group.

    Parameters
    ----------
    settings
        The settings.
    runtime
        The login page's port on this machine and the project.
    homes
        How the limits of homes are enforced on this machine; None: no limits, no service for them.
    """
    names = Names(runtime.project)
    portal = Portal(settings, runtime)
    own = portal.own_environment()
    profiles = [*(["opendata"] if portal.runs_here else []), *(["homes"] if homes else [])]
    return {
        # How Compose leaves a service out.
        "COMPOSE_PROFILES": ",".join(profiles),
        "KM3_PROJECT": runtime.project,
        "KM3_PORT": str(runtime.port),
        **Origins(settings, runtime).environment(),
        "KM3_BRIDGES": names.bridges,
        "KM3_EGRESS": settings.spawner.egress,
        "KM3_EGRESS_ALLOW": as_variable(settings.spawner.egress_allow),
        "KM3_EGRESS_DENY": ",".join(settings.spawner.egress_deny),
        "KM3_SERVICES": ",".join(members(settings, names)),
        "KM3_SETTINGS": _fingerprint(settings),
        "KM3_OPENDATA_PORT": str(portal.port),
        "KM3_OPENDATA_OPTIONS": " ".join(portal.serve_options()),
        "KM3_OPENDATA_URL": own["OPENDATA_PUBLIC_URL"],
        "KM3_OPENDATA_CONTACT": own["OPENDATA_CONTACT"],
        "KM3_HUB_URL": own["OPENDATA_HUB_URL"],
        "KM3_POLICY_URL": own["OPENDATA_POLICY_URL"],
        **{f"KM3_{name}": own[name] for name in settings.services.opendata.limits.environment()},
        **({"KM3_SPAWNER": "swarm"} if settings.spawner.kind == "swarm" else {}),
        **(homes.environment() if homes else {}),
    }


def _fingerprint(settings: Settings) -> str:
    """Returns a digest of what the hub reads at its start only.

    A new banner or other limits of homes need no restart.
    """
    text = settings.model_dump_json(exclude=READ_AGAIN)
    # Whether there is a scratch folder, but not its size.
    text += str(settings.homes.scratch.size is not None)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
