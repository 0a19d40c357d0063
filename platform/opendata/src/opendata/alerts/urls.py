"""Addresses of the alerts."""

from __future__ import annotations

from django.urls import path, re_path

from opendata.alerts import views

urlpatterns = [
    path("", views.page, name="alerts"),
    path("feed.json", views.feed_json),
    path("feed.xml", views.feed_xml),
    path("<int:number>.json", views.notice_json),
    path("<int:number>.xml", views.notice_xml),
    path("<int:number>/", views.notice_page, name="alert"),
    path("incoming/", views.HandIn.as_view(), name="alert-hand-in"),
    re_path(r"^incoming/(?P<number>\d{1,18})/(?P<step>sign-off|refuse)/$", views.SignOff.as_view()),
]
