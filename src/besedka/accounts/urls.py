"""Addresses of sign-in, each with and without its trailing slash."""

from django.urls import re_path

from besedka.accounts import api

urlpatterns = [
    re_path(r"^api/token/?$", api.Obtain.as_view(), name="token"),
    re_path(r"^api/token/refresh/?$", api.Refresh.as_view(), name="token-refresh"),
    re_path(r"^api/token/blacklist/?$", api.End.as_view(), name="token-end"),
]
