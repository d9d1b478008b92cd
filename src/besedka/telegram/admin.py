"""Updates of Telegram for administrators: what waits, what could not be handled, and to try that again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from besedka.conversations.admin import ReadOnlyAdmin
from besedka.telegram import updates
from besedka.telegram.models import Update

COLOURS = {"waiting": "info", "handled": "success", "parked": "danger"}


class ParkedFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be asked for."""
        return [("parked", str(_("parked"))), ("waiting", str(_("waiting"))), ("handled", str(_("handled")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Update]) -> QuerySet[Update]:
        """Only those."""
        match self.value():
            case "parked":
                return queryset.filter(parked_at__isnull=False)
            case "waiting":
                return queryset.filter(due_at__isnull=False)
            case "handled":
                return queryset.filter(handled_at__isnull=False)
        return queryset


@admin.register(Update)
class UpdateAdmin(ReadOnlyAdmin):
    list_display = ("update_id", "state", "source", "received_at", "handled_at", "tries", "error")
    list_filter = (ParkedFilter, "source")
    search_fields = ("=update_id",)
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("handle_again",)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether this person may let it be tried again."""
        return bool(request.user.has_perm("telegram.change_update"))

    @display(description=_("state"), label=COLOURS)
    def state(self, update: Update) -> str:
        """Waiting, handled or parked."""
        if update.parked_at is not None:
            return "parked"
        return "waiting" if update.due_at is not None else "handled"

    @admin.action(description=_("Handle again"), permissions=["act"])
    def handle_again(self, request: HttpRequest, chosen: QuerySet[Update]) -> None:
        """Parked ones are tried again."""
        changed = updates.again_many(list(chosen.values_list("pk", flat=True)))
        self.message_user(request, _("%(n)d updates are handled again.") % {"n": changed})
