"""The Django application of the VO services."""

from django.apps import AppConfig


class VirtualObservatory(AppConfig):
    """Serves tables of records in the Virtual Observatory."""

    name = "opendata.vo"
    label = "vo"

    def ready(self) -> None:
        """Follows the life of records."""
        from opendata.records import signals
        from opendata.vo import records

        signals.inspecting.connect(records.on_inspecting)
        signals.submitting.connect(records.on_submitting)
        signals.current_changed.connect(records.on_current_changed)
        signals.verifying.connect(records.on_verifying)
