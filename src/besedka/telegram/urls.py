"""The address that Telegram calls. It has no token in it."""

from django.urls import re_path

from besedka.telegram import webhook

urlpatterns = [re_path(r"^telegram/webhook/?$", webhook.Webhook.as_view(), name="telegram-webhook")]
