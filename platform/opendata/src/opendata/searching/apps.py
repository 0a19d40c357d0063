"""The Django application of the search."""

from typing import Any

from django.apps import AppConfig


class Searching(AppConfig):
    """The index of published records; it follows each change of a record."""

    name = "opendata.searching"
    label = "searching"

    def ready(self) -> None:
        """Connect the index to changes of records."""
        from django.db.models.signals import post_delete, post_migrate, post_save

        from opendata.records.models import Record
        from opendata.searching import index

        post_save.connect(index.record_saved, sender=Record, dispatch_uid="search-index")
        post_delete.connect(index.record_deleted, sender=Record, dispatch_uid="search-index")
        post_migrate.connect(renew_after_upgrade, sender=self, dispatch_uid="search-index")


def renew_after_upgrade(using: str, plan: Any = None, **_: Any) -> None:
    """Rebuild the index after a database migration.

    A later portal finds records by more than the one that published them. A migration cannot know
    by what: it has the tables of its own time, and no method of the models.
    """
    from django.db import DEFAULT_DB_ALIAS, connections, transaction
    from django.db.migrations.executor import MigrationExecutor

    from opendata.searching import index

    if using != DEFAULT_DB_ALIAS or not plan:
        return
    executor = MigrationExecutor(connections[using])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return  # in the middle of migrations, the tables may be missing
    with transaction.atomic():
        index.renew()
