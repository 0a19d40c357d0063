"""Addresses of the curation pages."""

from __future__ import annotations

from django.urls import path, re_path

from opendata.curation import views

urlpatterns = [
    path("", views.home, name="curate"),
    path("new", views.new, name="new-record"),
    path("drafts/<str:identifier>/", views.draft, name="draft"),
    path("drafts/<str:identifier>/preview", views.preview, name="preview"),
    re_path(
        r"^drafts/(?P<identifier>[^/]+)/"
        r"(?P<step>save|upload|remove|adopt|submit|discard|publish|send-back)$",
        views.step,
        name="draft-step",
    ),
    path("records/<str:identifier>/", views.record, name="curate-record"),
]
