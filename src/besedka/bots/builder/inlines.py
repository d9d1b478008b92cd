"""What stands under a bot in the admin: its scenarios, and the secrets that its calls send."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from besedka import sealed
from besedka.bots.models import Scenario, Secret


class ScenariosInline(TabularInline):
    model = Scenario
    fields = ("opened", "is_active", "on_start")
    readonly_fields = ("opened", "is_active", "on_start")
    extra = 0
    hide_title = True
    ordering = ("pk",)

    @admin.display(description=_("name"))
    def opened(self, scenario: Scenario) -> SafeString:
        """Its name, and the way to its page."""
        address = reverse("admin:bots_scenario_change", args=[scenario.pk])
        return format_html('<a class="text-primary-600 underline" href="{}">{}</a>', address, scenario.name)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """On a page of its own."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """On a page of its own."""
        return False


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers only
    """A secret. Its value goes in and never comes out again."""

    name = forms.RegexField(
        r"^[A-Za-z_][A-Za-z0-9_]{0,59}$",
        label=_("name"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Letters, digits and _; in a call it is {secret.NAME}."),
    )
    value = forms.CharField(
        required=False,
        max_length=4000,
        label=_("value"),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Write-only. Leave it empty to keep what is stored."),
    )

    class Meta:
        model = Secret
        fields = ("name",)

    def clean(self) -> dict[str, Any]:
        """A new secret has a value."""
        given: dict[str, Any] = super().clean() or {}
        if not self.instance.pk and not given.get("value"):
            self.add_error("value", _("A new secret needs a value."))
        return given

    def save(self, commit: bool = True) -> Any:
        """Seal the value, if there is a new one."""
        if self.cleaned_data.get("value"):
            self.instance.sealed = sealed.seal(self.cleaned_data["value"])
        return super().save(commit)


class SecretsInline(TabularInline):
    model = Secret
    form = SecretForm
    fields = ("name", "value")
    extra = 0
    verbose_name_plural = _("Secrets that its calls may send")
