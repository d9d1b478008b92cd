"""The address that Telegram calls, which has no token in it; and where people link their account."""

from django.urls import re_path

from besedka.telegram import api, webhook

urlpatterns = [
    re_path(r"^telegram/webhook/?$", webhook.Webhook.as_view(), name="telegram-webhook"),
    re_path(r"^api/v1/telegram/link/?$", api.Link.as_view(), name="telegram-link"),
]
