from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from besedka.bots import placements
from besedka.bots.builder import admin as builder  # noqa: F401 - registers scenarios and steps
from besedka.bots.builder import executions  # noqa: F401 - registers executions
from besedka.bots.models import Placement


@admin.register(Placement)
class PlacementAdmin(ModelAdmin):
    list_display = ("bot", "inbox")
    list_filter = ("bot",)
    list_select_related = ("bot", "inbox")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Place the bot, so that the inbox knows who answers first."""
        if "inbox" in form.changed_data and form.initial.get("inbox"):
            placements.withdraw(form.initial["inbox"])
        placements.place(obj.bot_id, obj.inbox_id)
        obj.pk = Placement.objects.values_list("pk", flat=True).get(inbox_id=obj.inbox_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Withdraw the bot, so that the inbox knows that nobody answers at once."""
        placements.withdraw(obj.inbox_id)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Withdraw each."""
        for placement in queryset:
            placements.withdraw(placement.inbox_id)
