"""Filters that read platform.yaml with its model, `km3settings.settings`.

So that a setting means the same to Ansible, `make up` and the hub.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from km3settings import settings as model
from km3settings.compose import compose_environment
from km3settings.disks import HomesChoice, HomesError, choose_homes
from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.state import State

#: The platform's own services; `opendata` is added if it is enabled.
SERVICES = ("hub", "proxy", "broker", "firewall", "homes")
#: The client secret's file in platform.yaml; the hub reads a copy in its state volume.
PROVIDER_FILE = "oidc-secret"


def plain(value: Any) -> Any:
    """Return a value from Ansible without Ansible's own types."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def filled(settings: Any) -> Any:
    """Return the admin's settings with what the deployment adds to `login.oidc`."""
    data = plain(settings)
    login = data.get("login") if isinstance(data, dict) else None
    oidc = login.get("oidc") if isinstance(login, dict) else None
    if isinstance(oidc, dict):
        oidc.setdefault("client_secret_file", PROVIDER_FILE)
    return data


def problems(settings: Any) -> list[str]:
    """Return what is wrong with platform settings, one sentence each."""
    data = filled(settings)
    try:
        parsed = model.parse(data)
    except model.SettingsError as error:
        return [f"platform_settings: {line}" for line in str(error).splitlines()]
    if parsed.login.oidc and parsed.login.oidc.client_secret_file != PROVIDER_FILE:
        return [
            "platform_settings: login.oidc.client_secret_file: the deployment writes this file;"
            ' remove the line and write platform_client_secret: "{{ vault_client_secret }}"'
        ]
    return []


def login(settings: Any) -> str:
    """Return how people log in: `accounts` or `oidc`."""
    return str(model.parse(filled(settings)).login.method)


def log_days(settings: Any) -> int:
    """Return after how many days log entries are deleted."""
    return int(model.parse(filled(settings)).privacy.log_days)


def images(settings: Any) -> list[str]:
    """Return the images that a platform with these settings needs."""
    parsed = model.parse(filled(settings))
    own = [*SERVICES, *(["opendata"] if parsed.services.opendata.enabled else [])]
    chosen = [environment.image for environment in parsed.environments]
    return list(dict.fromkeys([*(f"km3net/{name}" for name in own), *chosen]))


def complete(
    settings: Any,
    *,
    hub_address: str,
    portal_address: str,
    proxies: Iterable[str],
    tags: Mapping[str, str],
    check_account: str = "",
) -> dict[str, Any]:
    """Return the host's platform.yaml: the admin's settings with what only the deployment knows.

    Parameters
    ----------
    settings
        The admin's `platform_settings`.
    hub_address, portal_address
        Public addresses of hub and portal (empty: no portal here).
    proxies
        Addresses of the web servers between clients and the platform, the last one first.
    tags
        The full name of each image, with its tag on this host.
    check_account
        The account that `verify` logs in with; the hub needs it with `oidc`.
    """
    data = filled(settings) or {}
    parsed = model.parse(data)

    def section(*path: str) -> dict[str, Any]:
        found = data
        for name in path:
            found[name] = dict(found.get(name) or {})
            found = found[name]
        return found

    section("site")["public_url"] = hub_address
    if portal_address and parsed.services.opendata.enabled:
        section("services", "opendata")["public_url"] = portal_address
    section("spawner")["kind"] = "docker"
    entry = section("login")
    entry["trusted_proxies"] = [*map(str, proxies), *(entry.get("trusted_proxies") or [])]
    if parsed.login.oidc:
        section("login", "oidc")["check_account"] = str(check_account)
    names = plain(tags)
    data["environments"] = [
        environment.model_dump(mode="json", exclude_defaults=True)
        | {"image": names.get(environment.image, environment.image)}
        for environment in parsed.environments
    ]
    return dict(data)


def homes(
    settings: Any, *, volumes: str, mountinfo: str, loops: bool, kept: str = ""
) -> dict[str, str]:
    """Return how a host enforces the limits of homes.

    Parameters
    ----------
    settings
        The host's platform.yaml.
    volumes
        The host's folder with Docker's volumes.
    mountinfo
        The host's `/proc/self/mountinfo`.
    loops
        Whether the host has loop devices.
    kept
        What an earlier run chose; empty: nothing.

    Returns
    -------
    dict
        `backend`, `why` and `sentence`, all empty where there are no limits; `error` where the
        settings name a backend that the host does not offer.
    """
    parsed = model.parse(filled(settings))
    known = kept.strip() if kept.strip() in ("xfs", "btrfs", "image", "none") else ""
    try:
        found = choose_homes(
            parsed,
            Path(volumes),
            mountinfo,
            loops=loops,
            kept=known,  # type: ignore[arg-type]
        )
    except HomesError as error:
        return {"backend": "", "why": "", "sentence": "", "error": str(error)}
    if found is None:
        return {"backend": "", "why": "", "sentence": "there are no limits", "error": ""}
    return {
        "backend": found.backend, "why": found.why, "sentence": found.sentence, "error": "",
    }  # fmt: skip


def homes_limited(settings: Any) -> bool:
    """Return whether settings have limits of homes, which need the container `homes`."""
    return bool(model.parse(filled(settings)).homes.needs_service)


def compose_variables(
    settings: Any,
    project: str,
    port: int,
    backend: str = "",
    volumes: str = "",
    *,
    own_names: bool = False,
) -> dict[str, str]:
    """Return what docker-compose.yml needs of the settings; no secret is among it.

    Parameters
    ----------
    settings
        The host's platform.yaml.
    project, port
        The platform's name, and the hub's port on loopback.
    backend, volumes
        The backend of `homes`, and the host's folder with Docker's volumes.
    own_names
        Whether DNS and certificates allow a host name for each user's server.
    """
    runtime = _runtime(project, port, own_names)
    chosen = HomesChoice(backend, "", Path(volumes)) if backend else None  # type: ignore[arg-type]
    own = compose_environment(model.parse(filled(settings)), runtime, chosen)
    return {**own, "KM3_CONFIG_NAME": "platform.yaml"}


def _runtime(project: str, port: int, own_names: bool) -> Runtime:
    found: Literal["own", "shared"] = "own" if own_names else "shared"
    return Runtime("docker", int(port), str(project), State(Path()), user_origins=found)


def own_origins(settings: Any, hub_address: str, own_names: bool) -> bool:
    """Return whether each user's server gets a host name of its own.

    Parameters
    ----------
    settings
        The admin's `platform_settings`.
    hub_address
        The hub's public address.
    own_names
        Whether DNS and certificates allow that.
    """
    data = filled(settings) or {}
    data["site"] = {**(data.get("site") or {}), "public_url": str(hub_address)}
    return Origins(model.parse(data), _runtime("km3net", 8000, own_names)).own


def common_address(lookups: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether host names lead to a common address.

    Parameters
    ----------
    lookups
        Results of `getent ahosts`, one per name; a name that DNS does not know has no lines.
    """
    found = [
        {str(line).split()[0] for line in lookup.get("stdout_lines") or () if str(line).strip()}
        for lookup in lookups
    ]
    return bool(found and set.intersection(*found))


def gateway(network: str) -> str:
    """Return the first address of a network, which is its gateway's."""
    return str(next(ipaddress.ip_network(str(network)).hosts()))


def specifications(roles: str) -> dict[str, Any]:
    """Return the options of all roles below a folder (`meta/argument_specs.yml`)."""
    found: dict[str, Any] = {}
    for file in sorted(Path(str(roles)).glob("*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(file.read_text())["argument_specs"].values():
            found |= entry.get("options") or {}
    return found


def unknown(variables: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return variables that look like a role's setting but are none, one sentence each.

    Parameters
    ----------
    variables
        Names of all variables of the inventory.
    known
        Names of all settings; each starts with the name of its role.
    """
    known = sorted(map(str, known))
    prefixes = tuple({f"{name.split('_')[0]}_" for name in known})
    found = []
    for name in sorted(map(str, variables)):
        if not name.startswith(prefixes) or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"write {close[0]}" if close else "remove it"
        found.append(f"{name}: there is no such setting; {hint}.")
    return found


class FilterModule:
    """The filters by the names that roles use."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "km3net_problems": problems,
            "km3net_log_days": log_days,
            "km3net_login": login,
            "km3net_homes": homes,
            "km3net_homes_limited": homes_limited,
            "km3net_images": images,
            "km3net_complete": complete,
            "km3net_compose_variables": compose_variables,
            "km3net_common_address": common_address,
            "km3net_gateway": gateway,
            "km3net_own_origins": own_origins,
            "km3net_specifications": specifications,
            "km3net_unknown": unknown,
        }
