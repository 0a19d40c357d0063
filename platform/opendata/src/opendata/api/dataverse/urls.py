"""Addresses of Dataverse's API, with its version number and without."""

from __future__ import annotations

from django.urls import re_path

from . import access, native, searching

_API = r"^api/(?:v1/)?"
#: Numbers in the database are not longer than this.
_NUMBER = r"\d{1,18}"
_SET = rf"{_API}datasets/(?P<number>:persistentId|{_NUMBER})"
_VERSION = rf"{_SET}/versions/(?P<label>[^/]+)"

urlpatterns = [
    re_path(rf"{_API}datasets/:persistentId/?$", native.Dataset.as_view()),
    re_path(rf"{_API}datasets/export/?$", native.export),
    re_path(rf"{_API}datasets/(?P<number>{_NUMBER})/?$", native.dataset),
    re_path(rf"{_SET}/versions/?$", native.versions),
    re_path(rf"{_VERSION}/?$", native.version),
    re_path(rf"{_VERSION}/files/?$", native.files),
    re_path(rf"{_VERSION}/metadata/?$", native.blocks),
    re_path(rf"{_VERSION}/metadata/(?P<block>\w+)/?$", native.blocks),
    re_path(rf"{_API}files/:persistentId/?$", native.file),
    re_path(rf"{_API}files/:persistentId/metadata/?$", native.file_metadata),
    re_path(rf"{_API}files/(?P<number>{_NUMBER})/?$", native.file),
    re_path(rf"{_API}files/(?P<number>{_NUMBER})/metadata/?$", native.file_metadata),
    re_path(rf"{_API}dataverses/(?P<alias>[^/]+)/?$", native.dataverse),
    re_path(rf"{_API}dataverses/(?P<alias>[^/]+)/contents/?$", native.contents),
    re_path(rf"{_API}metadatablocks/?$", native.metadata_blocks),
    re_path(rf"{_API}info/(?P<what>\w+)/?$", native.information),
    re_path(rf"{_API}access/datafile/:persistentId/?$", access.datafile),
    re_path(rf"{_API}access/datafile/(?P<number>{_NUMBER})/?$", access.datafile),
    re_path(rf"{_API}access/datafile/bundle/(?P<number>{_NUMBER})/?$", access.bundle),
    re_path(rf"{_API}access/datafiles/(?P<numbers>[\d,]+)/?$", access.datafiles),
    re_path(rf"{_API}access/dataset/(?P<number>:persistentId|{_NUMBER})/?$", access.dataset),
    re_path(
        rf"{_API}access/dataset/(?P<number>:persistentId|{_NUMBER})/versions/(?P<label>[^/]+)/?$",
        access.dataset,
    ),
    re_path(r"^api/search/?$", searching.search),
]
