"""Addresses of the VO services; include them under `vo/`."""

from __future__ import annotations

from django.urls import path

from adqlite.http.routes import ROUTES
from opendata.vo.views import VIEWS

app_name = "vo"

urlpatterns = [
    path(route.path.replace("{", "<str:").replace("}", ">"), VIEWS[route.name], name=route.name)
    for route in ROUTES
]
