"""The vocabulary of the index, for spelling suggestions.

The index itself is a table of the database's own kind (:mod:`opendata.searching.index`).
"""

from __future__ import annotations

from django.db import models


class Word(models.Model):
    """A word as a record writes it; words of removed records may remain."""

    form = models.CharField(max_length=100, unique=True)
    length = models.PositiveSmallIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.form
