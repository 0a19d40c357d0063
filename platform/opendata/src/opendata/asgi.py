"""The ASGI application: Django behind a limit on request bodies, below a path if there is one."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opendata.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import get_resolver

from adqlite.spool import Spool
from opendata.below_path import BelowPath, shares_origin
from opendata.body_limit import BodyLimit
from opendata.layers import App
from opendata.sqlite.base import keep_open


def _application() -> App:
    configuration = settings.CONFIGURATION
    if not configuration.database_url:
        keep_open(settings.DATABASES["default"]["NAME"])
    largest = configuration.upload_mb * 2**20
    # Whatever the settings say, one upload fits, and one client leaves space to others.
    total = max(configuration.spool_mb * 2**20, 4 * largest)
    app = BodyLimit(get_asgi_application(), largest, Spool(total, total // 4))
    # Django imports the views at the first request, which took a second and more on a busy machine:
    # a portal that says it is running answers at once.
    get_resolver().url_patterns  # noqa: B018
    path = urlsplit(configuration.public_url).path
    if not path:
        return app
    # Users' servers share the hub's host, and users write their pages.
    curated = not shares_origin(configuration.public_url, configuration.hub_url)
    return BelowPath(app, path, curated=curated)


application = _application()
