"""What `platform.yaml` asks for that is allowed and yet cannot work, as sentences for an admin."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from km3settings.provider import Oidc
from km3settings.settings import Settings

__all__ = ["doubts", "named_groups", "unenforced"]


def named_groups(settings: Settings) -> dict[str, list[str]]:
    """For each group that an environment or size is for, where it is named."""
    found: dict[str, list[str]] = {}
    for section, entries in (("environments", settings.environments), ("sizes", settings.sizes)):
        for entry in entries:
            for group in entry.groups:
                found.setdefault(group, []).append(f"{section}: {entry.name}")
    return found


def doubts(settings: Settings, given: Collection[str] | None) -> list[str]:
    """What cannot work.

    Parameters
    ----------
    settings
        Settings that are valid.
    given
        The groups that accounts have; None: unknown.
    """
    processes = settings.spawner.kind == "process"
    return [*_groups(settings, given), *(unenforced(settings) if processes else ())]


def _groups(settings: Settings, given: Collection[str] | None) -> Iterator[str]:
    oidc = settings.login.oidc if settings.login.method == "oidc" else None
    for group, places in named_groups(settings).items():
        where = ", ".join(places)
        if oidc:
            if why := _never_given(oidc, group):
                yield f"{where}: the group {group} can be nobody's: {why}"
        elif given is not None and group not in given:
            yield (
                f"{where}: nobody is in the group {group}; give it to an account: km3hub accounts"
                f" set NAME --groups {group}"
            )
    if oidc:
        for key in ("allowed_groups", "admin_groups"):
            for group in getattr(oidc, key):
                if why := _never_given(oidc, group):
                    yield f"login.oidc.{key}: the group {group} can be nobody's: {why}"


def _never_given(oidc: Oidc, group: str) -> str:
    """Why a provider cannot name this group; empty: it can, as far as is known."""
    claim = oidc.groups.lower()
    if claim == "wlcg.groups" and not group.startswith("/"):
        return f"in the claim wlcg.groups each begins with a slash; write /{group}"
    if claim.rstrip("s").endswith("entitlement") and group.startswith("/"):
        return f"in entitlements none begins with a slash; write {group.lstrip('/')}"
    return ""


def unenforced(settings: Settings) -> list[str]:
    """What local processes (embedded mode) cannot do of what the settings ask for."""
    found = []
    if settings.spawner.egress != "internet":
        found.append(
            "spawner.egress: local processes reach the internet all the same; only containers can"
            " be kept from it"
        )
    if settings.services.containers:
        found.append(
            "services.containers: local processes have no networks that a container could join"
        )
    return found
