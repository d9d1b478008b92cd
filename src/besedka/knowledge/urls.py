"""Addresses of the knowledge API, each with and without its trailing slash."""

from django.urls import re_path

from besedka.knowledge import api

urlpatterns = [
    re_path(r"^api/v1/sources/?$", api.Sources.as_view(), name="sources"),
    re_path(r"^api/v1/sources/(?P<source_id>[0-9]{1,18})/?$", api.OneSource.as_view(), name="source"),
    re_path(r"^api/v1/imports/(?P<import_id>[0-9]{1,18})/?$", api.OneImport.as_view(), name="import"),
]
