"""Operators, the ladder and hours of each inbox, and canned replies, for administrators."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from besedka.accounts.admin import PersonAdmin
from besedka.desk import hours
from besedka.desk.hours import HoursInvalid
from besedka.desk.models import CannedReply, Operator, Routing


class PostInline(StackedInline):
    """The post at the desk, on the page of the account."""

    model = Operator
    verbose_name_plural = _("Post at the desk")
    max_num = 1
    extra = 1
    fields = (("is_enabled", "is_supervisor"), "capacity", "inboxes")
    filter_horizontal = ("inboxes",)


PersonAdmin.inlines = (*PersonAdmin.inlines, PostInline)


class EnabledForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The switch in a line of the list says whose it is, also to whom it is read aloud."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        switch = self.fields["is_enabled"]
        switch.widget.attrs["aria-label"] = f"{switch.label}: {self.instance}"


@admin.register(Operator)
class OperatorAdmin(ModelAdmin):
    list_display = ("__str__", "is_enabled", "is_supervisor", "capacity", "on_duty", "in_telegram")
    list_editable = ("is_enabled",)
    list_filter = ("is_enabled", "is_supervisor")
    list_select_related = ("user", "user__telegram")
    search_fields = ("user__username", "user__first_name", "user__last_name")
    autocomplete_fields = ("user",)
    filter_horizontal = ("inboxes",)
    readonly_fields = ("on_duty_since",)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:  # type: ignore[type-arg]
        """The form of a line."""
        form: type[EnabledForm] = super().get_changelist_form(request, **{**kwargs, "form": EnabledForm})
        return form

    @display(description=_("on duty"), boolean=True)
    def on_duty(self, operator: Operator) -> bool:
        """Whether they are called just now."""
        return operator.on_duty_since is not None

    @display(description=_("in Telegram"), boolean=True)
    def in_telegram(self, operator: Operator) -> bool:
        """Whether they can be called there."""
        return hasattr(operator.user, "telegram")


class RoutingForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Hours as people write them: a line for each day, a line for each day that is another."""

    mon = forms.CharField(label=_("Monday"), required=False, widget=UnfoldAdminTextInputWidget)
    tue = forms.CharField(label=_("Tuesday"), required=False, widget=UnfoldAdminTextInputWidget)
    wed = forms.CharField(label=_("Wednesday"), required=False, widget=UnfoldAdminTextInputWidget)
    thu = forms.CharField(label=_("Thursday"), required=False, widget=UnfoldAdminTextInputWidget)
    fri = forms.CharField(label=_("Friday"), required=False, widget=UnfoldAdminTextInputWidget)
    sat = forms.CharField(label=_("Saturday"), required=False, widget=UnfoldAdminTextInputWidget)
    sun = forms.CharField(
        label=_("Sunday"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As 09:00-13:00, 14:00-18:00; a day without any is closed. All empty: always open."),
    )
    other_days = forms.CharField(
        label=_("Other days"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("A line each, as 2027-01-02: 10:00-14:00; nothing behind the colon is a holiday."),
    )

    class Meta:
        model = Routing
        fields = ("inbox", "everyone_s", "supervisors_s", "bot_s", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        week, exceptions = self.instance.week or {}, self.instance.exceptions or {}
        for day in hours.DAYS:
            self.initial.setdefault(day, ", ".join(week.get(day, ())))
        lines = [f"{day}: {', '.join(spans)}" for day, spans in sorted(exceptions.items())]
        self.initial.setdefault("other_days", "\n".join(lines))

    def clean(self) -> dict[str, Any]:
        """The hours say where they are wrong."""
        cleaned = super().clean() or {}
        week = {day: _spans(cleaned.get(day, "")) for day in hours.DAYS}
        week = {day: spans for day, spans in week.items() if spans}
        lines = [line for line in cleaned.get("other_days", "").splitlines() if line.strip()]
        exceptions = {day.strip(): _spans(spans) for day, _, spans in (line.partition(":") for line in lines)}
        try:
            hours.read(cleaned.get("time_zone", ""), week, exceptions)
        except HoursInvalid as error:
            raise forms.ValidationError(str(error)) from None
        self.instance.week, self.instance.exceptions = week, exceptions
        return cleaned


def _spans(written: str) -> list[str]:
    return [span.strip() for span in written.split(",") if span.strip()]


@admin.register(Routing)
class RoutingAdmin(ModelAdmin):
    form = RoutingForm
    list_display = ("inbox", "everyone_s", "supervisors_s", "bot_s", "time_zone")
    list_select_related = ("inbox",)
    fieldsets = (
        (None, {"fields": ("inbox", "everyone_s", "supervisors_s", "bot_s")}),
        (_("Business hours"), {"fields": ("time_zone", *hours.DAYS, "other_days")}),
    )


@admin.register(CannedReply)
class CannedReplyAdmin(ModelAdmin):
    list_display = ("shortcut", "text", "inbox")
    list_filter = ("inbox",)
    list_select_related = ("inbox",)
    search_fields = ("shortcut", "text")
