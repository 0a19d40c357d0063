"""What the index contains of a record, and how records are found by it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from opendata.records.models import Record

from . import engines, words
from .models import Word
from .query import Phrase, Term, parse

_SHORTEST = 3


def record_saved(instance: Record, *, raw: bool = False, **_: Any) -> None:
    """Index a record that was saved if it is published and not withdrawn; remove it otherwise."""
    if raw:
        return
    if instance.current_id is None or instance.withdrawn:
        engines.of(connection).remove(instance.pk)
    else:
        _write(instance, Word, engines.of(connection))


def record_deleted(instance: Record, **_: Any) -> None:
    """Remove a record that was deleted."""
    engines.of(connection).remove(instance.pk)


def fill(records: Any = Record, vocabulary: Any = Word, database: Any = connection) -> int:
    """Rebuild the index from all records; returns how many it contains.

    Parameters
    ----------
    records, vocabulary : Django models
        Those of a migration's time, or the current ones.
    """
    engine = engines.of(database)
    engine.clear()
    vocabulary.objects.all().delete()
    public = records.objects.filter(current__isnull=False, withdrawn=False)
    number = 0
    for record in public.select_related("current").prefetch_related("aliases").iterator(500):
        _write(record, vocabulary, engine)
        number += 1
    return number


def renew() -> int:
    """Rebuild searched texts and index from all published versions; returns the number of records.

    A later release may search more fields than the one that published a record.
    """
    fill()
    number = 0
    for record in Record.objects.filter(current__isnull=False).select_related("current"):
        record.reindex()  # saving it writes the index
        number += not record.withdrawn
    return number


def _write(record: Any, vocabulary: Any, engine: engines.Engine) -> None:
    version = record.current
    names = [record.identifier, *(alias.name for alias in record.aliases.all())]
    names += [text for text in (version.doi, record.ktype) if text]
    texts = (record.title, "\n".join(names), version.description, record.text)
    title, named, description, rest = (_stems(text) for text in texts)
    engine.write(record.pk, (title, named, description, rest))
    _learn(texts, vocabulary)


def _stems(text: str) -> list[str]:
    return words.tokens(text) + words.other_ways(text)


def _learn(texts: Iterable[str], vocabulary: Any) -> None:
    """Store words for spelling suggestions; numbers and parts of identifiers are left out."""
    forms = {form for text in texts for form in words.spelled(text) if len(form) >= _SHORTEST}
    vocabulary.objects.bulk_create(
        [vocabulary(form=form, length=len(form)) for form in sorted(forms)],
        ignore_conflicts=True,
        batch_size=500,
    )


def terms_of(text: str) -> list[Term]:
    """Returns the terms of a query as the index has them."""
    return parse(text, known)


def known(phrase: Phrase) -> bool:
    """Returns whether any record contains a phrase."""
    engine = engines.of(connection)
    asked = engine.query([Term("", ((phrase,),))])
    sql = f"SELECT 1 FROM {engines.TABLE} WHERE {engine.fits} LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [asked])
        return cursor.fetchone() is not None


def find(records: QuerySet[Record], terms: list[Term]) -> QuerySet[Record]:
    """Keep records that match all terms, the best first.

    Records with all terms in their title come first, then the engine's rank decides.
    """
    if not terms:
        return records.none()
    engine = engines.of(connection)
    asked = engine.query(terms)
    in_title = engine.query(terms, title_only=True)
    # A join with the engine's own table, which no model describes.
    found = records.extra(tables=[engines.TABLE], where=list(engine.where), params=[asked])  # noqa: S610
    ranked = [asked] if "%s" in engine.rank else []
    return found.order_by(
        RawSQL(f"CASE WHEN {engine.fits} THEN 0 ELSE 1 END", [in_title]),  # noqa: S611
        RawSQL(engine.rank, ranked),  # noqa: S611
        "identifier",
    )
