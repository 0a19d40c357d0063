"""The Django application of curation."""

from django.apps import AppConfig


class Curation(AppConfig):
    """The pages on which records are written, reviewed and withdrawn."""

    name = "opendata.curation"
    label = "curation"
