"""Scenarios and steps in the admin: a scenario with its steps in order, its picture, and a rehearsal."""

import json
import textwrap
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from besedka.bots import contents, scenarios
from besedka.bots.builder import drawing, rehearsal
from besedka.bots.builder import forms as builder_forms
from besedka.bots.builder.fields import Lines, Text
from besedka.bots.models import Scenario, Step
from besedka.dialogue import graph as graphs
from besedka.dialogue import linter
from besedka.dialogue.graph import GraphError
from besedka.problems import Problem

KINDS = {
    "message": (_("Message"), "chat_bubble"),
    "question": (_("Question"), "help"),
    "condition": (_("Condition"), "call_split"),
    "api_call": (_("Call of an API"), "cloud_sync"),
    "answer": (_("Answer of the model"), "smart_toy"),
    "handoff": (_("Person"), "support_agent"),
    "set": (_("Variables"), "data_object"),
    "jump": (_("Jump"), "redo"),
    "wait": (_("Wait"), "hourglass_empty"),
}
SUMMARY = 90  # characters


class ScenarioForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers only
    """A scenario without its steps."""

    keywords = Lines(
        required=False, label=_("Keywords"), help_text=_("One a line: a message that is one begins it.")
    )
    commands = Lines(required=False, label=_("Commands"), help_text=_("One a line, as /pets."))

    description = Text(required=False, rows=2, max_length=10_000)

    class Meta:
        model = Scenario
        fields = ("bot", "name", "description", "is_active", "initial_step", "on_start", "keywords", "commands")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "initial_step" in self.fields:
            field = self.fields["initial_step"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = Step.objects.filter(scenario=self.instance.pk or 0).order_by("order", "pk")
            field.empty_label = str(_("the first one"))

    def clean(self) -> dict[str, Any]:
        """Triggers that the engine can read."""
        given: dict[str, Any] = super().clean() or {}
        for name in ("keywords", "commands"):
            try:
                graphs.Triggers.model_validate({name: given.get(name, [])})
            except ValueError:
                self.add_error(name, _("A line here cannot begin a scenario."))
        return given


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """A step of one type; `builder.forms` knows the fields of each."""

    kind = ""

    class Meta:
        model = Step
        fields = ("name", "next_step")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scenario = self.instance.scenario
        if self.instance.pk:
            self.initial = {**self.initial, **builder_forms.initial(self.kind, self.instance.content)}
        builder_forms.prepare(self.fields, scenario)
        following = self.fields.get("next_step")
        if isinstance(following, forms.ModelChoiceField):
            following.queryset = scenario.steps.order_by("order", "pk")
            following.empty_label = str(_("the one below"))

    def clean(self) -> dict[str, Any]:
        """The content that the fields make, if it can be kept."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        content = builder_forms.content(self.kind, given)
        try:
            contents.check(self.kind, content, self.instance.scenario)
        except GraphError as error:
            for fault in error.faults:
                self.add_error(builder_forms.field_of(self.kind, fault.path), fault.sentence)
        self.instance.content, self.instance.step_type = content, self.kind
        return given


class LineForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """A step in the table; what comes after it says whose it is, also to whom it is read aloud."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        following = self.fields.get("next_step")
        if following is not None:
            choices: Any = getattr(following.widget, "widget", following.widget)  # what the admin has wrapped
            choices.attrs["aria-label"] = f"{following.label}: {self.instance}"


class StepsInline(TabularInline):
    model = Step
    form = LineForm
    fk_name = "scenario"
    fields = ("summary", "next_step", "order")
    readonly_fields = ("summary",)
    ordering = ("order", "pk")
    ordering_field = "order"
    hide_ordering_field = True
    extra = 0
    hide_title = True
    verbose_name_plural = _("Steps, in their order (drag to move)")
    template_after = "bots/add_step.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A step is added by its type, below the table."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        """In their order."""
        return super().get_queryset(request).order_by("order", "pk")  # type: ignore[no-any-return]

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Only steps of this scenario."""
        scenario_id = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        kwargs["queryset"] = Step.objects.filter(scenario=scenario_id or 0).order_by("order", "pk")
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.empty_label = str(_("the one below"))
        field.widget.can_add_related = field.widget.can_change_related = field.widget.can_view_related = False
        return field

    @admin.display(description=_("step"))
    def summary(self, step: Step) -> SafeString:
        """What it does, and the way to change it."""
        title, icon = KINDS.get(step.step_type, (step.step_type, "circle"))
        try:
            content = graphs.read_content(step.step_type, step.content)
            does = textwrap.shorten(drawing.summary(content), SUMMARY, placeholder="…")
        except GraphError as error:
            does = str(error)[:SUMMARY]
        address = reverse("admin:bots_step_change", args=[step.pk])
        return format_html(
            '<a class="besedka-step" href="{}"><span class="material-symbols-outlined" title="{}">{}</span>'
            "<span><b>{}</b><br>{}</span></a>",
            address,
            title,
            icon,
            step.name or title,
            does,
        )


@admin.register(Scenario)
class ScenarioAdmin(ModelAdmin):
    form = ScenarioForm
    inlines = (StepsInline,)
    list_display = ("name", "bot", "is_active", "on_start", "step_count", "updated_at")
    list_filter = ("is_active", "bot")
    list_select_related = ("bot",)
    search_fields = ("name", "description")
    change_form_outer_after_template = "bots/scenario_after.html"
    fieldsets = (
        (None, {"fields": ("bot", "name", "description", "is_active")}),
        (_("What begins it"), {"fields": ("on_start", ("keywords", "commands"))}),
        (None, {"fields": ("initial_step",)}),
    )

    class Media:
        css = {"all": ["bots/builder.css"]}
        js = ["bots/rehearsal.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scenario]:
        """With the number of steps, in the same query."""
        return super().get_queryset(request).annotate(step_count=Count("steps"))  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A scenario stays with its bot."""
        return ("bot",) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Before there are steps, none of them can be the first."""
        return self.fieldsets if obj else self.fieldsets[:2]

    @admin.display(description=_("steps"), ordering="step_count")
    def step_count(self, scenario: Any) -> int:
        """How many steps it has."""
        return int(scenario.step_count)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever begins a walk goes by what is there now."""
        super().save_related(request, form, formsets, change)
        scenarios.changed(form.instance.bot_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Walks that are under way go on as they began."""
        super().delete_model(request, obj)
        scenarios.changed(obj.bot_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Scenario]) -> None:
        """As one alone."""
        bots = set(queryset.values_list("bot_id", flat=True))
        super().delete_queryset(request, queryset)
        for bot_id in bots:
            scenarios.changed(bot_id)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Straight to where steps are added."""
        if "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)  # type: ignore[no-any-return]
        self.message_user(request, _("Now add the first step."))
        return HttpResponseRedirect(reverse("admin:bots_scenario_change", args=[obj.pk]))

    def get_urls(self) -> list[URLPattern]:
        """The rehearsal beside the scenario."""
        view = self.admin_site.admin_view(self.rehearse)
        return [path("<int:scenario_id>/rehearse/", view, name="bots_scenario_rehearse"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the picture and what looks wrong."""
        scenario = self.get_object(request, object_id)
        extra = {} if scenario is None else _shown(scenario)
        context = {**(extra_context or {}), **extra}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def rehearse(self, request: HttpRequest, scenario_id: int) -> HttpResponse:
        """`POST`: what the draft does when this happens."""
        scenario = get_object_or_404(Scenario, pk=scenario_id)
        if not self.has_view_permission(request, scenario):
            raise PermissionDenied
        try:
            return JsonResponse(rehearsal.rehearse(scenario, json.loads(request.body)))
        except Problem as problem:
            return JsonResponse(problem.as_json(), status=problem.status)
        except ValueError:
            return JsonResponse({"detail": str(_("This is no JSON."))}, status=400)


@admin.register(Step)
class StepAdmin(ModelAdmin):
    form = StepForm
    list_display = ("__str__", "step_type", "scenario", "order")
    list_filter = ("step_type", "scenario")
    list_select_related = ("scenario",)

    class Media:
        css = {"all": ["bots/builder.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Steps are reached through their scenario."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of this type of step, for this scenario."""
        kind, scenario = _kind_and_scenario(request, obj)

        class OfKind(StepForm):
            def __init__(self, *args: Any, **options: Any) -> None:
                if options.get("instance") is None:
                    options["instance"] = Step(scenario=scenario, step_type=kind)
                super().__init__(*args, **options)

        OfKind.kind = kind
        OfKind.declared_fields = {**OfKind.declared_fields, **builder_forms.fields(kind)}
        return super().get_form(request, obj, change, form=OfKind, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name, what it holds, and where it leads."""
        kind, scenario = _kind_and_scenario(request, obj)
        title = KINDS[kind][0]
        heading = format_html("{} · {}", title, scenario.name)
        return [
            (heading, {"fields": ["name", *builder_forms.rows(kind)]}),
            (None, {"fields": ["next_step"]}),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only from a scenario, by type."""
        named = request.GET.get("step_type") in KINDS and (request.GET.get("scenario") or "").isdigit()
        return named and bool(super().has_add_permission(request))

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new step comes last."""
        if not change:
            last = obj.scenario.steps.order_by("-order").values_list("order", flat=True).first()
            obj.order = 1 if last is None else last + 1
        super().save_model(request, obj, form, change)
        scenarios.changed(obj.scenario.bot_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Walks that are under way go on as they began."""
        super().delete_model(request, obj)
        scenarios.changed(obj.scenario.bot_id)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Back to the scenario."""
        return _to_scenario(obj) if "_continue" not in request.POST else super().response_add(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the scenario."""
        return _to_scenario(obj) if "_continue" not in request.POST else super().response_change(request, obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """To the scenarios: the step is gone, and with it the word of which one it was of."""
        return HttpResponseRedirect(reverse("admin:bots_scenario_changelist"))


def _kind_and_scenario(request: HttpRequest, obj: Step | None) -> tuple[str, Scenario]:
    if obj is not None:
        return obj.step_type, obj.scenario
    kind = request.GET.get("step_type", "")
    return kind, get_object_or_404(Scenario, pk=int(request.GET.get("scenario") or 0))


def _to_scenario(step: Step) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:bots_scenario_change", args=[step.scenario_id]))


def _shown(scenario: Scenario) -> dict[str, Any]:
    """The picture of a scenario, and what looks wrong in it."""
    address = reverse("admin:bots_step_change", args=[0]).replace("/0/", "/{}/")
    add = reverse("admin:bots_step_add")
    kinds = [(f"{add}?scenario={scenario.pk}&step_type={kind}", *KINDS[kind]) for kind in KINDS]
    shown: dict[str, Any] = {
        "add_kinds": kinds,
        "rehearse_url": reverse("admin:bots_scenario_rehearse", args=[scenario.pk]),
    }
    try:
        graph = graphs.read(scenarios.document(scenario.bot_id, active_only=False), references=False)
    except GraphError as error:
        return {**shown, "broken": str(error)}
    drawn = graph.scenarios[str(scenario.pk)]
    mine = f"scenarios.{scenario.pk}"
    flaws = [flaw for flaw in linter.warnings(graph) if flaw.path == mine or flaw.path.startswith(f"{mine}.")]
    return {**shown, "picture": mark_safe(drawing.draw(drawn, link=address)), "flaws": flaws}
