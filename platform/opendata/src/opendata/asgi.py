"""The ASGI application: Django behind a limit on request bodies, below a path if there is one."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opendata.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from opendata.below_path import BelowPath, shares_origin
from opendata.body_limit import BodyLimit
from opendata.layers import App


def _application() -> App:
    configuration = settings.CONFIGURATION
    app = BodyLimit(get_asgi_application(), configuration.upload_mb * 2**20)
    path = urlsplit(configuration.public_url).path
    if not path:
        return app
    # Users' servers share the hub's host, and users write their pages.
    curated = not shares_origin(configuration.public_url, configuration.hub_url)
    return BelowPath(app, path, curated=curated)


application = _application()
