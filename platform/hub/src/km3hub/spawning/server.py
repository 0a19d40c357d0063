"""The environment of a user's server, in containers and as a local process."""

from __future__ import annotations

from km3hub.spawning.options import Choice
from km3hub.spawning.volumes import SCRATCH
from km3settings.amounts import in_bytes
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["server_environment"]


def server_environment(settings: Settings, runtime: Runtime, choice: Choice) -> dict[str, str]:
    """Returns the part of the environment that is the same for every spawner."""
    environment = {
        "KM3_ENVIRONMENT": choice.environment.name,
        "KM3_SIZE": choice.size.name,
        "KM3_SIZE_TITLE": choice.size.title or choice.size.name,
        "KM3_CONTACT": settings.site.contact,
        **Portal(settings, runtime).server_environment(),
    }
    oidc = settings.login.oidc
    if settings.login.method == "oidc" and oidc and oidc.token_exchange:
        # The server fetches the token itself (km3lab's bearer.py).
        environment["KM3_DATA_TOKEN"] = oidc.token_exchange.audience
    if settings.homes.quota:
        environment["KM3_HOME_QUOTA"] = str(in_bytes(settings.homes.quota))
    scratch = settings.homes.scratch
    if scratch.size and runtime.homes:
        environment["KM3_SCRATCH"] = SCRATCH
        environment["KM3_SCRATCH_DAYS"] = str(scratch.purge_days)
    return environment
