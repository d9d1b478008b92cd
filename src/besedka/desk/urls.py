"""Addresses of the desk's API, each with and without its trailing slash."""

from django.urls import re_path

from besedka.desk import api

_ONE = r"^api/v1/desk/conversations/(?P<conversation_id>[0-9]{1,18})"

urlpatterns = [
    re_path(r"^api/v1/desk/conversations/?$", api.Conversations.as_view(), name="desk-list"),
    re_path(r"^api/v1/desk/search/?$", api.Search.as_view(), name="desk-search"),
    re_path(_ONE + r"/messages/?$", api.Messages.as_view(), name="desk-messages"),
    re_path(_ONE + rf"/(?P<act>{'|'.join(api.ACTS)})/?$", api.Act.as_view(), name="desk-act"),
]
