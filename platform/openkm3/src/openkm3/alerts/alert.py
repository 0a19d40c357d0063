"""An alert with its conversions: GCN's JSON and VOEvent, both ways."""

from __future__ import annotations

import json
from os import PathLike
from typing import Any, Self

from pydantic import ValidationError

from openkm3.alerts.documents import content_of, parsed_json
from openkm3.alerts.errors import AlertError, Problem, problems_of
from openkm3.alerts.model import AlertRecord
from openkm3.alerts.notices import in_gcn_terms
from openkm3.alerts.plausibility import problems_of_alert
from openkm3.alerts.voevent.reading import fields_of
from openkm3.alerts.voevent.writing import to_voevent


class Alert(AlertRecord):
    """An alert of KM3NeT, or another mission's notice in the same terms.

    Field names are those of the JSON document. Unknown fields are kept.
    """

    @classmethod
    def from_json(cls, document: str | bytes | dict[str, Any]) -> Self:
        """Return the alert of a JSON document: KM3NeT's, or another mission's GCN notice.

        Raises
        ------
        AlertError
            If the document is not JSON or does not follow KM3NeT's schema.
        """
        if isinstance(document, (str, bytes)):
            document = parsed_json(document)
        return cls._of(in_gcn_terms(document))

    @classmethod
    def from_voevent(cls, packet: bytes | str | PathLike[str]) -> Self:
        """Return the alert that a VOEvent describes.

        Parameters
        ----------
        packet : path or bytes
            The file, or its content.

        Returns
        -------
        Alert
            For a packet of `to_voevent`, exactly the alert that was written.

        Raises
        ------
        AlertError
            If it is not a VOEvent 2, a value cannot be parsed, or two parts contradict each other.
        """
        content, name = content_of(packet)
        try:
            return cls._of(fields_of(content))
        except AlertError as error:
            raise error.of(name) from None

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise AlertError(problems_of(error)) from None

    def to_json(self, indent: int | None = 2) -> str:
        """Return the alert as a JSON document that follows KM3NeT's schema."""
        return json.dumps(self.fields(), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"

    def to_voevent(self, cites: str | None = None) -> bytes:
        """Return the alert as VOEvent 2.0; see `openkm3.alerts.to_voevent`."""
        return to_voevent(self, cites=cites)

    def problems(self) -> list[Problem]:
        """Return impossible values that the schema allows, and missing essential fields."""
        return problems_of_alert(self)


def from_voevent(packet: bytes | str | PathLike[str]) -> Alert:
    """Return the alert that a VOEvent describes; see `Alert.from_voevent`."""
    return Alert.from_voevent(packet)
