"""The network's web proxy, as named by `https_proxy` and similar variables.

The platform's programs talk to each other on loopback, which a proxy cannot reach; connections to
the internet, for example from notebooks, need the proxy.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LOOPBACK", "VARIABLES", "beside_loopback"]

_LOWER = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
#: The variables in both spellings; programs differ in which they read.
VARIABLES = (*_LOWER, *(name.upper() for name in _LOWER))
#: Hosts that are never reached through a proxy.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def beside_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the proxy variables of an environment, with loopback added to the exceptions.

    Parameters
    ----------
    environment
        Variables and their values.

    Returns
    -------
    dict
        The variables of `VARIABLES` that are set; `no_proxy` and `NO_PROXY` are the same list, as
        it was with `LOOPBACK` added. Empty where no proxy is named.
    """
    found = {name: environment[name] for name in VARIABLES if environment.get(name)}
    named = {name for name in found if name.lower() != "no_proxy"}
    if not named:
        return {}
    # Where both are set, most programs read the lower one.
    present = found.get("no_proxy") or found.get("NO_PROXY") or ""
    hosts = [host.strip() for host in present.split(",") if host.strip()]
    hosts += [host for host in LOOPBACK if host not in hosts and "*" not in hosts]
    direct = ",".join(hosts)
    return {**{name: found[name] for name in found if name in named}, "no_proxy": direct,
            "NO_PROXY": direct}  # fmt: skip
