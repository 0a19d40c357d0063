"""Addresses of the pages."""

from __future__ import annotations

from django.urls import path

from opendata.exports.oai.documents import oai
from opendata.portal import privacy, software, views

urlpatterns = [
    path("", views.home, name="home"),
    path("search", views.search, name="search"),
    path("ktypes/", views.ktypes, name="ktypes"),
    path("privacy", privacy.page, name="privacy"),
    path("software/", software.software, name="software"),
    path("software/<str:name>.cdx.json", software.bill),
    path("robots.txt", views.robots),
    path("sitemap.xml", views.sitemap),
    path("oai", oai, name="oai"),
    path("identifiers/<str:kid>", views.identifier),
    path("records/<str:identifier>/", views.record, name="record"),
    path("records/<str:identifier>/versions/<str:label>/", views.version, name="version"),
    path("records/<str:identifier>/versions/<str:label>/sky.json", views.sky_points),
    path("records/<str:identifier>/versions/<str:label>/<str:name>", views.export),
    path("records/<str:identifier>/<str:name>", views.export, name="export"),
]
