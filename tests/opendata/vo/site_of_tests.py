"""The smallest Django project around the VO services; settings, addresses and application."""

from __future__ import annotations

import os

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = __name__
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
VO_FOLDER = os.environ.get("VO_FOLDER", "")
VO_LIMITS = {"sync_seconds": 8, "upload_bytes": 2_000_000, "jobs": 40, "async_seconds": 120}


def __getattr__(name: str) -> object:
    # Both need Django to have read the names above first.
    if name == "urlpatterns":
        from django.urls import include, path

        return [path("vo/", include("opendata.vo.urls"))]
    if name == "application":
        os.environ["DJANGO_SETTINGS_MODULE"] = __name__
        from django.core.asgi import get_asgi_application

        return get_asgi_application()
    raise AttributeError(name)
