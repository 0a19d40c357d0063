"""Administrators without access to users' servers."""

from __future__ import annotations

from typing import Any

from jupyterhub import roles

__all__ = ["close_servers_to_admins"]

_ACCESS = ("access:servers", "shares")


def close_servers_to_admins() -> None:
    """Take `access:servers` from JupyterHub's role `admin`, and `shares`, which contains it.

    A page of a user's server could otherwise act as an administrator who looks at it. JupyterHub
    has no setting for this: its role `admin` cannot be changed by the configuration.
    """
    defaults = roles.get_default_roles

    def without_access() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = defaults()
        for role in found:
            if role["name"] == "admin":
                role["scopes"] = [s for s in role["scopes"] if s not in _ACCESS]
        return found

    roles.get_default_roles = without_access
