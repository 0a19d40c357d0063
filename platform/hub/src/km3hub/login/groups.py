"""The groups in a provider's claims."""

from __future__ import annotations

from km3hub.membership.names import participants_group

__all__ = ["groups_of"]

#: EGI's groups: AARC-G002 in this namespace, by this authority.
_EGI_START, _EGI_END = "urn:mace:egi.eu:group:", "#aai.egi.eu"
#: The limit of the hub's database.
_LONGEST = 255
_WORKSHOPS = participants_group("")


def groups_of(claim: str, value: object) -> set[str]:
    """Returns the groups in a claim.

    In entitlement claims only URIs count (`urn:`, `https:`), because an authority vouches for them.
    EGI's own, `urn:mace:egi.eu:group:VO:role=member#aai.egi.eu`, count as
    themselves and as `VO`; with a group inside the VO as `VO/GROUP`, with another role as
    `VO:ROLE`. Those of other authorities get no short name; otherwise such an
    authority could impersonate a group of EGI.

    Parameters
    ----------
    claim
        The claim's name.
    value
        A list of names or one name. Anything else, and names that are empty or too long, are
        ignored.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        return set()
    found = {name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST}
    # Only this platform puts users into the groups of its workshops: its teachers have rights.
    found = {name for name in found if not name.startswith(_WORKSHOPS)}
    if not claim.lower().rstrip("s").endswith("entitlement"):
        return found
    found = {name for name in found if name.startswith(("urn:", "https:"))}
    short = {_short(name) for name in found} - {""}
    return found | {name for name in short if not name.startswith(_WORKSHOPS)}


def _short(entitlement: str) -> str:
    if not (entitlement.startswith(_EGI_START) and entitlement.endswith(_EGI_END)):
        return ""
    parts = entitlement.removeprefix(_EGI_START).removesuffix(_EGI_END).split(":")
    role = ""
    if parts[-1].startswith("role="):
        role = parts.pop().removeprefix("role=")
    group = "/".join(parts)
    return group if role in ("", "member") or not group else f"{group}:{role}"
