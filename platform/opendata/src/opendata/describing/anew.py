"""Describes files again that an earlier release of the portal described."""

from __future__ import annotations

import logging

from django.db.models import Q, QuerySet

from opendata.records import store
from opendata.records.models import Description

from . import SCHEME, Unreadable, describe_safely

log = logging.getLogger(__name__)


def outdated() -> QuerySet[Description]:
    """Returns descriptions made by an older scheme."""
    return Description.objects.filter(
        Q(content__scheme__isnull=True) | Q(content__scheme__lt=SCHEME)
    ).order_by("pk")


def describe_anew() -> int:
    """Describe all files with outdated descriptions again; return their number.

    A file that can no longer be read keeps its description, and the log says why.
    """
    number = 0
    for description in outdated().select_related("file__version").iterator(50):
        file = description.file
        content = description.content | {"scheme": SCHEME}
        try:
            content = describe_safely(store.path_of(file.sha256), file.name)
        except (Unreadable, OSError) as error:
            log.warning("%s cannot be described again: %s", file, error)
        Description.objects.filter(pk=description.pk).update(content=content)
        number += 1
    return number
