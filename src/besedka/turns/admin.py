"""Bots for administrators: who they are, what speaks for them, what they read, what became of their questions."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from besedka import outbound
from besedka.accounts.models import User
from besedka.answers import providers
from besedka.bots import exporting, importing, placements, yamls
from besedka.bots.builder.fields import Lines, Text
from besedka.bots.builder.inlines import ScenariosInline, SecretsInline
from besedka.bots.models import Bot
from besedka.knowledge import additions
from besedka.problems import Problem
from besedka.turns import outlook, reading, unanswered
from besedka.turns.models import BotSource

LOOK_BACK = timedelta(days=30)


class BotForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers only
    """A bot. Its key goes in and never comes out again."""

    description = Text(required=False, rows=2, max_length=10_000, label=_("description"))
    system_prompt = Text(
        required=False,
        rows=5,
        max_length=20_000,
        label=_("system prompt"),
        help_text=_("Who the bot is and how it speaks."),
    )
    provider = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget, label=_("provider"))
    give_away_phrases = Lines(
        required=False,
        label=_("give away phrases"),
        help_text=_("One a line. A model's answer with one of these is not delivered; a person is called."),
    )
    api_key = forms.CharField(
        required=False,
        strip=True,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Write-only. Leave it empty to keep the key that is stored."),
    )
    forget_key = forms.BooleanField(required=False, label=_("Forget the stored key"))

    class Meta:
        model = Bot
        fields = (
            "name",
            "description",
            "is_active",
            "chat_is_open",
            "finds_ads",
            "system_prompt",
            "answer_from",
            "suggest_from",
            "bot_type",
            "provider",
            "gpt_model",
            "base_url",
            "folder",
            "creativity_level",
            "max_tokens",
            "give_away_phrases",
            "tokens_a_day",
            "tokens_a_conversation",
            "price_in",
            "price_out",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, name) for name in providers.names()]
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("as installed")), *names]
        stored = bool(self.instance.pk and self.instance.has_key())
        self.fields["api_key"].label = _("API key (one is stored)") if stored else _("API key (none is stored)")

    def clean_base_url(self) -> str:
        """An address that we would send nothing to is refused when it is saved, too."""
        url = str(self.cleaned_data["base_url"])
        if url:
            try:
                outbound.check_url(url)
            except Problem as problem:
                raise forms.ValidationError(problem.detail) from None
        return url

    def clean(self) -> dict[str, Any]:
        """Who suggests later than it answers never suggests; that is no setting but a slip."""
        given: dict[str, Any] = super().clean() or {}
        if (given.get("suggest_from") or 0) > (given.get("answer_from") or 0):
            self.add_error("suggest_from", _("Must not be above “answer from”."))
        return given

    def save(self, commit: bool = True) -> Any:
        """Seal the key, if there is a new one."""
        if self.cleaned_data.get("forget_key"):
            self.instance.take_key("")
        if self.cleaned_data.get("api_key"):
            self.instance.take_key(self.cleaned_data["api_key"])
        return super().save(commit)


class SourcesInline(TabularInline):
    model = BotSource
    extra = 0
    verbose_name_plural = _("answers from these sources")


@admin.register(Bot)
class BotAdmin(ModelAdmin):
    form = BotForm
    inlines = (ScenariosInline, SourcesInline, SecretsInline)
    list_display = ("name", "is_active", "bot_type", "provider", "gpt_model", "answer_from", "updated_at")
    list_filter = ("is_active", "bot_type")
    search_fields = ("name", "description")
    actions_list = ("to_unanswered", "to_import")
    actions_detail = ("export",)
    readonly_fields = ("outlook", "created_by", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", ("is_active", "chat_is_open", "finds_ads"), "system_prompt")}),
        (_("How sure it must be"), {"fields": (("answer_from", "suggest_from"), "outlook")}),
        (
            _("The model that speaks for it"),
            {
                "fields": (
                    ("bot_type", "provider"),
                    ("gpt_model", "folder"),
                    "base_url",
                    ("api_key", "forget_key"),
                    ("creativity_level", "max_tokens"),
                    "give_away_phrases",
                )
            },
        ),
        (
            _("What it may take"),
            {"fields": (("tokens_a_day", "tokens_a_conversation"), ("price_in", "price_out"))},
        ),
        (None, {"fields": ("created_by", ("created_at", "updated_at"))}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Remember who made it."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)
        placements.announce(obj.pk)

    @admin.display(description=_("what that means"))
    def outlook(self, bot: Bot) -> SafeString:
        """What became of the last month's questions, and what would have become of them at other thresholds."""
        sure = outlook.confidences(bot.pk, timezone.now() - LOOK_BACK) if bot.pk else []
        now = outlook.at(sure, bot.answer_from, bot.suggest_from)
        others = [outlook.at(sure, at, min(bot.suggest_from, at)) for at in outlook.THRESHOLDS]
        context = {"now": now, "others": others, "enough": outlook.ENOUGH}
        return render_to_string("turns/outlook.html", context)

    @action(description=_("Questions nobody could answer"), url_path="to-unanswered")
    def to_unanswered(self, request: HttpRequest) -> HttpResponse:
        """To the report."""
        return HttpResponseRedirect(reverse("admin:bots_bot_unanswered"))

    @action(description=_("Import a bot"), url_path="to-import")
    def to_import(self, request: HttpRequest) -> HttpResponse:
        """To the form that takes a file."""
        return HttpResponseRedirect(reverse("admin:bots_bot_import"))

    @action(description=_("Export as a file"), url_path="export")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The whole bot as YAML, without secrets."""
        bot = self.get_object(request, object_id)
        if bot is None:
            raise Http404
        if not self.has_view_permission(request, bot):
            raise PermissionDenied
        response = HttpResponse(exporting.export(bot), content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="bot-{bot.pk}.yaml"'
        return response

    def get_urls(self) -> list[URLPattern]:
        """The report and the import beside the bots."""
        view = self.admin_site.admin_view
        own = [
            path("unanswered/", view(self.unanswered), name="bots_bot_unanswered"),
            path("import/", view(self.take), name="bots_bot_import"),
        ]
        return [*own, *super().get_urls()]

    def take(self, request: HttpRequest) -> HttpResponse:
        """Take a bot from a file: every fault with its line, and nothing half imported."""
        if not (request.user.has_perm("bots.add_bot") and request.user.has_perm("bots.change_bot")):
            raise PermissionDenied
        errors: list[dict[str, Any]] = []
        if request.method == "POST":
            uploaded = request.FILES.get("file")
            assert isinstance(request.user, User)
            try:
                if uploaded is None or (uploaded.size or 0) > yamls.MAX_BYTES:
                    raise yamls.FileUnreadable(str(_("Choose a file of at most 2 MB.")), line=0)
                done = importing.import_text(uploaded.read().decode("utf-8-sig", "replace"), owner=request.user)
            except Problem as problem:
                line = problem.details.get("line", 0)
                errors = problem.details.get("errors") or [{"line": line, "field": "", "reason": problem.detail}]
            else:
                for name in done.missing_secrets:
                    messages.warning(request, _("The secret %(name)s has to be entered.") % {"name": name})
                messages.success(
                    request,
                    _("%(added)d added, %(changed)d changed, %(removed)d removed, %(unchanged)d as they were.")
                    % {name: getattr(done, name) for name in ("added", "changed", "removed", "unchanged")},
                )
                return HttpResponseRedirect(reverse("admin:bots_bot_change", args=[done.bot_id]))
        context = {**self.admin_site.each_context(request), "title": _("Import a bot"), "errors": errors}
        return render(request, "turns/import_bot.html", context, status=400 if errors else 200)

    def unanswered(self, request: HttpRequest) -> HttpResponse:
        """Questions that nobody could answer; an answer given here becomes a passage."""
        if not request.user.has_perm("bots.view_bot"):
            raise PermissionDenied
        if request.method == "POST":
            return self._take_answer(request)
        groups = unanswered.groups_since(timezone.now() - LOOK_BACK)
        names = dict(Bot.objects.values_list("pk", "name"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Questions nobody could answer"),
            "groups": [(group, names.get(group.bot_id, "")) for group in groups[:100]],
            "may_add": request.user.has_perm("knowledge.add_passage"),
        }
        return render(request, "turns/unanswered.html", context)

    def _take_answer(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("knowledge.add_passage"):
            raise PermissionDenied
        bot = Bot.objects.filter(pk=request.POST.get("bot") or 0).first()
        try:
            if bot is None:
                raise PermissionDenied
            question, answer = request.POST.get("question", ""), request.POST.get("answer", "")
            source_id = additions.add(bot.name, question, answer, now=timezone.now())
            reading.let_read_source(bot.pk, source_id)
        except Problem as problem:
            messages.error(request, problem.detail)
        else:
            messages.success(request, _("From now on %(bot)s knows the answer.") % {"bot": bot.name})
        return HttpResponseRedirect(reverse("admin:bots_bot_unanswered"))
