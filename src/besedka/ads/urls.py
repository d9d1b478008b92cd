"""Addresses of the API of ads, each with and without its trailing slash."""

from django.urls import re_path

from besedka.ads import api, legacy

urlpatterns = [
    re_path(r"^api/v1/execute/?$", legacy.Execute.as_view(), name="execute"),
    re_path(r"^api/v1/ads/?$", api.Ads.as_view(), name="ads"),
    re_path(r"^api/v1/ads/(?P<ad_id>[0-9]{1,18})/?$", api.OneAd.as_view(), name="ad"),
]
