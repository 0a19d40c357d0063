"""The model of KM3NeT's GCN notices, which also holds other missions' notices.

The types accept exactly what ``gcn/notices/km3net/alert.schema.json`` accepts. `Alert.problems`
finds what the schema cannot express (a declination of 120 deg, a trigger time of "yesterday").
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo

from openkm3.alerts.core import (
    Distance,
    FollowUp,
    Localization,
    Moment,
    Naming,
    Notice,
    Number,
    Redshift,
    Reporter,
    Sequence,
    Statistics,
    Text,
    shown,
)
from openkm3.alerts.errors import AlertError, problems_of

AUTHORITY = "ivo://km3net.org"
Role = Literal["observation", "prediction", "utility", "test"]

# VOEvent's role must keep everything but real observations out of telescopes' queues.
ROLES: dict[str, Role] = {
    "test": "test",
    "injection": "test",
    "commanded": "utility",
    "planned": "prediction",
}


def is_own(ivorn: str) -> bool:
    """Return whether an identifier belongs to KM3NeT: ``ivo://km3net.org/...``."""
    return ivorn.lower().startswith((f"{AUTHORITY}/", f"{AUTHORITY}#"))


class NeutrinoEvent(Naming, Moment, Localization):
    """One detector event that contributed to an alert.

    ``cos_zenith`` refers to the direction of **flight**: +1 is straight up-going, -1 straight
    down-going. It is the negative of the cosine of the source's zenith angle, and of the cosine in
    KM3NeT's response files, where +1 is down-going. ``energy_measured`` is in GeV.
    """

    prob_evt_topology: Literal["track", "starting track", "shower"] | None = None
    cos_zenith: Number | None = None
    energy_measured: Number | None = None

    @property
    def source_zenith(self) -> float | None:
        """Zenith angle of the source in degrees: 0 overhead, more than 90 below the horizon."""
        if self.cos_zenith is None:
            return None
        return math.degrees(math.acos(-float(self.cos_zenith)))

    @property
    def up_going(self) -> bool | None:
        """Whether the particle flew upwards, through the Earth."""
        return None if self.cos_zenith is None else self.cos_zenith > 0


class Counterpart(FollowUp, Localization, Moment, Distance, Redshift):
    """A known source or transient in the region of an alert; ``name`` is an extra field."""


def _objects_or_text(value: object, info: ValidationInfo) -> object:
    """Choose a member of the union, so that pydantic does not report errors of both."""
    if not isinstance(value, (str, list)):
        msg = f'must be text such as "No search" or a list of sources, not {shown(value)}'
        raise ValueError(msg)
    if isinstance(value, list):
        found = []
        for index, item in enumerate(value):
            try:
                found.append(Counterpart.model_validate(item))
            except ValidationError as error:
                first = problems_of(error)[0]
                msg = f"[{index}]{'.' if first.path else ''}{first}"
                raise ValueError(msg) from None
        return found
    return value


class AlertRecord(Naming, Sequence, Reporter, Statistics, Localization, Moment):
    """The content of one record of an alert, and its identifier.

    Field names are those of the JSON document. Unknown fields are kept.
    """

    schema_uri: Any = Field(default=None, alias="$schema")
    additional_info: Text | None = None
    number_of_events: Number | None = None
    alert_topology: Literal["Track", "Shower", "Multiplet"] | None = None
    pipeline: Text | None = None
    p_value: Number | None = None
    src_error_50: Number | None = None
    event_details: list[NeutrinoEvent] | None = None
    potential_counterpart: bool | None = None
    counterpart_info: Annotated[
        list[Counterpart] | str | None, BeforeValidator(_objects_or_text)
    ] = None

    def __eq__(self, other: object) -> bool:
        """Return whether all fields are equal, in any order."""
        return isinstance(other, AlertRecord) and self.fields() == other.fields()

    __hash__ = None  # type: ignore[assignment]

    @property
    def name(self) -> str | None:
        """The first name of the event, such as ``KM3-230213A``."""
        names = self.event_name
        if isinstance(names, list):
            return names[0] if names else None
        return names

    @property
    def role(self) -> Role:
        """VOEvent's role: ``test`` for tests and injections, otherwise according to the tense."""
        return ROLES.get(self.alert_tense or "", "observation")

    @property
    def own(self) -> bool:
        """Whether this is KM3NeT's own alert, not another mission's."""
        return self.foreign_ivorn is None and self.mission in {None, "KM3NeT"}

    @property
    def foreign_ivorn(self) -> str | None:
        """Identifier of the VOEvent of another mission that this alert was read from."""
        ivorn = self.fields().get("voevent_ivorn")
        return ivorn if isinstance(ivorn, str) and not is_own(ivorn) else None

    @property
    def ivorn(self) -> str:
        """Identifier of this record: ``ivo://km3net.org/VOEvent#KM3-230213A_r2``.

        Raises
        ------
        AlertError
            If the alert has no event name, or is a JSON notice of another mission, which has no
            identifier.
        """
        if self.foreign_ivorn is not None:
            return self.foreign_ivorn
        if not self.own:
            msg = f"is a notice of {self.mission}, which does not have an IVOA identifier"
            raise AlertError.single(msg, "mission")
        return self._ivorn_of(1 if self.record_number is None else int(self.record_number))

    @property
    def previous_ivorn(self) -> str | None:
        """Identifier of the previous record, to which an update or a retraction refers.

        Only the publisher knows whether that record was issued; see ``cites`` of
        `openkm3.alerts.to_voevent`.
        """
        if self.alert_type not in {"update", "retraction"} or not self.own:
            return None
        if self.record_number is None or self.record_number < 2:
            msg = f"must be 2 or more for a record of type {self.alert_type}"
            raise AlertError.single(msg, "record_number")
        return self._ivorn_of(int(self.record_number) - 1)

    def _ivorn_of(self, record: int) -> str:
        if not self.name:
            raise AlertError.single('is missing, for example "KM3-230213A"', "event_name")
        suffix = f"_r{record}" if record > 1 else ""
        return f"{AUTHORITY}/VOEvent#{quote(self.name, safe='-._~+:')}{suffix}"


__all__ = [
    "AUTHORITY",
    "ROLES",
    "AlertRecord",
    "Counterpart",
    "NeutrinoEvent",
    "Notice",
    "Role",
]
