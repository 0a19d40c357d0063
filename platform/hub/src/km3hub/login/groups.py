"""The groups that a provider says somebody is in."""

from __future__ import annotations

__all__ = ["groups_of"]

#: EGI's own form of a group: AARC-G002 below this namespace, by this authority.
_EGI_START, _EGI_END = "urn:mace:egi.eu:group:", "#aai.egi.eu"
#: A name of a group must fit into the hub's database.
_LONGEST = 255


def groups_of(claim: str, value: object) -> set[str]:
    """The groups that a claim names.

    In claims of entitlements only addresses count (`urn:`, `https:`), as these are what an
    authority vouches for. EGI's own, `urn:mace:egi.eu:group:VO:role=member#aai.egi.eu`, count as
    themselves and as `VO`; with a group inside the VO as `VO/GROUP`, with another role as
    `VO:ROLE`. Those of other authorities get no short name: whoever may write them could
    otherwise name a group of EGI's.

    Parameters
    ----------
    claim
        The claim's name.
    value
        A list of names or one name; in anything else there are no groups, and a name that is
        empty or too long is none.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        return set()
    found = {name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST}
    if not claim.lower().rstrip("s").endswith("entitlement"):
        return found
    found = {name for name in found if name.startswith(("urn:", "https:"))}
    return found | {_short(name) for name in found} - {""}


def _short(entitlement: str) -> str:
    if not (entitlement.startswith(_EGI_START) and entitlement.endswith(_EGI_END)):
        return ""
    parts = entitlement.removeprefix(_EGI_START).removesuffix(_EGI_END).split(":")
    role = ""
    if parts[-1].startswith("role="):
        role = parts.pop().removeprefix("role=")
    group = "/".join(parts)
    return group if role in ("", "member") or not group else f"{group}:{role}"
