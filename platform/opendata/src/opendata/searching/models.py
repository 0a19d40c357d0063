"""The vocabulary of the index, from which spelling is corrected.

The index itself is a table of the database's own kind (:mod:`opendata.searching.index`).
"""

from __future__ import annotations

from django.db import models


class Word(models.Model):
    """A word as some record writes it; one that no record has any more may stay."""

    form = models.CharField(max_length=100, unique=True)
    length = models.PositiveSmallIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.form
