"""Ads for administrators: published, mended and withdrawn in the same way as over HTTP."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminFileFieldWidget

from besedka import pictures
from besedka.ads import changes, images, searching, wire
from besedka.ads.models import Ad
from besedka.conversations.bounded_pages import BoundedPages
from besedka.problems import NotFound, Problem


class AdForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An ad, and a picture for it."""

    new_picture = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/*"}),
        help_text=_("JPEG, PNG, WebP or GIF, at most 10 MB. Empty: the one it has stays."),
    )

    class Meta:
        model = Ad
        fields = changes.WRITTEN

    def clean_new_picture(self) -> images.Encoded | None:
        """A picture that can be shown."""
        file = self.cleaned_data["new_picture"]
        if file is None:
            return None
        try:
            return images.from_file(file.read(pictures.MAX_BYTES + 1), name=file.name)
        except Problem as problem:
            raise forms.ValidationError(problem.detail) from None


@admin.register(Ad)
class AdAdmin(ModelAdmin):
    form = AdForm
    list_display = ["title", "kind", "breed", "age", "gender", "location", "price", "created_by", "created_at"]
    list_filter = ["kind", "gender"]
    list_select_related = ["created_by"]
    search_fields = ["words"]  # so that there is a field to type into; what is found says `get_search_results`
    search_help_text = _("Words of the title, breed, place or description")
    ordering = ["-pk"]
    show_full_result_count = False
    paginator = BoundedPages
    fields = [*changes.WRITTEN, "shown", "new_picture", "created_by", "created_at", "updated_at"]
    readonly_fields = ["shown", "created_by", "created_at", "updated_at"]

    @admin.display(description=_("shown"))
    def shown(self, ad: Ad) -> str:
        """Its picture."""
        if not ad.picture:
            return "–"
        return format_html('<img src="{}" alt="" width="160" loading="lazy">', wire.address(ad, small=True))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ad], search_term: str
    ) -> tuple[QuerySet[Ad], bool]:
        """Found as visitors find them."""
        words = searching.asked(search_term)
        return (queryset.filter(searching.having(words)) if words else queryset), False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Publish it, or change what was changed in the form."""
        given = {name: form.cleaned_data[name] for name in changes.WRITTEN}
        picture, now = form.cleaned_data["new_picture"], timezone.now()
        if change:
            fields = {name: given[name] for name in form.changed_data if name in given}
            saved = changes.change(obj.pk, fields, now=now, picture=picture or changes.KEEP)
        else:
            saved = changes.publish(given, author_id=int(request.user.pk or 0), now=now, picture=picture)
        obj.pk, obj.created_by_id = saved.pk, saved.created_by_id

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Withdraw it, with its picture."""
        changes.withdraw(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        """Withdraw each; one that somebody else was faster with is gone as well."""
        for ad_id in list(queryset.values_list("pk", flat=True)):
            try:
                changes.withdraw(ad_id)
            except NotFound:
                continue
