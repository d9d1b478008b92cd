"""Addresses of the pages, each with and without its trailing slash."""

from django.templatetags.static import static
from django.urls import path, re_path
from django.views.generic import RedirectView

from besedka.web import health, pages

urlpatterns = [
    path("", pages.home, name="home"),
    re_path(r"^demo/?$", pages.demo, name="demo"),
    path("favicon.ico", RedirectView.as_view(url=static("site/mark.svg"))),
    path("widget.js", pages.widget, name="widget"),
    re_path(r"^api/root/?$", pages.BuilderRoot.as_view(), name="builder-root"),
    re_path(r"^api/v1/?$", pages.ApiRoot.as_view(), name="api-root"),
    re_path(r"^health/?$", health.alive, name="alive"),
    re_path(r"^health/ready/?$", health.ready, name="ready"),
]
