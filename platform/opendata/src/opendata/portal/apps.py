"""The Django application of the portal: pages, templates and static files."""

from django.apps import AppConfig


class Portal(AppConfig):
    """The pages that visitors see."""

    name = "opendata.portal"
    label = "portal"
