"""The Django application of the search."""

from django.apps import AppConfig


class Searching(AppConfig):
    """The index of what is published; it follows each change of a record."""

    name = "opendata.searching"
    label = "searching"

    def ready(self) -> None:
        """Follow records from now on."""
        from django.db.models.signals import post_delete, post_save

        from opendata.records.models import Record
        from opendata.searching import index

        post_save.connect(index.record_saved, sender=Record, dispatch_uid="search-index")
        post_delete.connect(index.record_deleted, sender=Record, dispatch_uid="search-index")
