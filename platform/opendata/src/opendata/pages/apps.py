"""The Django application of pages: templates and static files."""

from django.apps import AppConfig


class Pages(AppConfig):
    """Pages."""

    name = "opendata.pages"
    label = "pages"
