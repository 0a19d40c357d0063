"""The Django application of records."""

from django.apps import AppConfig


class Records(AppConfig):
    """Records of open data."""

    name = "opendata.records"
    label = "records"
