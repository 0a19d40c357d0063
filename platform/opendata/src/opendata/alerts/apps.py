"""The Django application of alerts."""

from django.apps import AppConfig


class Alerts(AppConfig):
    """Alerts."""

    name = "opendata.alerts"
    label = "alerts"
