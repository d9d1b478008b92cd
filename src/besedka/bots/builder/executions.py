"""Executions in the admin: who walks through what, where they stand, and the way they came."""

from collections import Counter
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from besedka.bots import scenarios, walks
from besedka.bots.builder import drawing
from besedka.bots.models import Execution
from besedka.conversations import reports
from besedka.conversations.bounded_pages import BoundedPages

SHOWN = 300  # places of a way


@admin.register(Execution)
class ExecutionAdmin(ModelAdmin):
    list_display = ("__str__", "bot", "scenario", "user_session", "is_completed", "updated_at")
    list_filter = ("is_completed", "bot", "scenario")
    list_select_related = ("bot", "scenario")
    search_fields = ("user_session",)
    show_full_result_count = False
    paginator = BoundedPages
    fieldsets = (
        (None, {"fields": (("bot", "scenario"), ("is_completed", "talk"), ("created_at", "updated_at"))}),
        (None, {"fields": ("remembered", "picture", "way")}),
    )

    class Media:
        css = {"all": ["bots/builder.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A walk begins by what somebody says."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened has happened."""
        return False

    @admin.display(description=_("conversation"))
    def talk(self, execution: Execution) -> SafeString:
        """The log that it is a part of."""
        address = reverse("admin:conversations_conversation_change", args=[execution.conversation_id])
        return format_html('<a href="{}">{}</a>', address, execution.user_session or execution.conversation_id)

    @admin.display(description=_("remembered"))
    def remembered(self, execution: Execution) -> SafeString:
        """The variables of the walk."""
        return SafeString(render_to_string("bots/variables.html", {"state": execution.state or {}}))

    @admin.display(description=_("Drawing"))
    def picture(self, execution: Execution) -> SafeString | str:
        """The scenario as it was when this walk began, with the way that it took."""
        graph = _graph_of(execution)
        name = (execution.state or {}).get("scenario", "")
        if graph is None or name not in graph.scenarios:
            return "—"
        passed = Counter(one["step"] for one in _way(execution) if one["scenario"] == name)
        here = str(walks.standing_step(execution) or "")
        drawn = drawing.draw(graph.scenarios[name], passed=passed, here=here)
        return mark_safe(f'<div class="besedka-picture">{drawn}</div>')

    @admin.display(description=_("way"))
    def way(self, execution: Execution) -> SafeString:
        """What came of each step, from the traces of its turns."""
        graph = _graph_of(execution)
        names = (
            {} if graph is None else {s.id: s.name for one in graph.scenarios.values() for s in one.steps.values()}
        )
        rows = [(names.get(one["step"]) or one["step"], one["what"]) for one in _way(execution)]
        return SafeString(render_to_string("bots/way.html", {"rows": rows}))


def _graph_of(execution: Execution) -> Any:
    content_hash = execution.graph.content_hash if execution.graph is not None else ""
    return scenarios.pinned_many([content_hash]).get(content_hash) if content_hash else None


def _way(execution: Execution) -> list[dict[str, str]]:
    traces = reports.traces(execution.conversation_id, after=execution.after_seq, upto=execution.upto_seq)
    return [one for trace in traces for one in trace.get("walk", {}).get("way", ())][:SHOWN]
