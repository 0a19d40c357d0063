"""Resources that are one file of annotated JSON."""

from __future__ import annotations

from functools import cached_property

from .. import annotated
from ..metadata import Annotation
from .resource import KM3Object


class AnnotatedDocument(KM3Object):
    """A file of annotated JSON."""

    @cached_property
    def _document(self) -> tuple[Annotation, annotated.Content]:
        return annotated.read(self.path)

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo; from the file if the catalogue has none."""
        known = self.entry.metadata
        return known if known.paraminfo else self._document[0]
