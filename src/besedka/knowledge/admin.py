"""Sources and passages for administrators: looked at, deleted, and imported from a file."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget, UnfoldAdminURLInputWidget

from besedka.knowledge import imports, recognition, rows
from besedka.knowledge.models import Passage, Source
from besedka.problems import Problem

SHOWN_LINES = 500  # of those that were left out


class UploadForm(forms.Form):
    """A file of knowledge."""

    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(sorted(recognition.SUFFIXES))}),
        help_text=format_lazy(
            _("CSV, XLSX, Markdown, text, HTML, PDF or JSONL, at most {n} MB"), n=rows.MAX_BYTES // 2**20
        ),
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Under a title that is there already the source is replaced; what is the same stays."),
    )
    url = forms.CharField(
        label=_("Link"),
        required=False,
        max_length=rows.MAX_URL,
        widget=UnfoldAdminURLInputWidget,
        help_text=_("What visitors are shown as the source. Empty: the link it has is kept."),
    )

    def clean_file(self) -> Any:
        """Too large is told as such."""
        file = self.cleaned_data["file"]
        if (file.size or 0) > rows.MAX_BYTES:
            limit, size = rows.MAX_BYTES // 2**20, (file.size or 0) / 2**20
            told = _("The file has %(size).1f MB, at most %(limit)d MB are taken.") % {
                "size": size,
                "limit": limit,
            }
            raise forms.ValidationError(told)
        return file

    def clean_url(self) -> str:
        """A link that can be shown."""
        url = str(self.cleaned_data["url"])
        try:
            rows.check_link(url)
        except Problem as problem:
            raise forms.ValidationError(problem.detail) from None
        return url


class _Imported(ModelAdmin):
    """Comes from a file and is mended there: what is edited here would be undone by the next import."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Source)
class SourceAdmin(_Imported):
    list_display = ["title", "kind", "passage_count", "url", "version", "updated_at"]
    search_fields = ["title"]
    list_filter = ["kind"]
    ordering = ["title"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Adding is importing a file."""
        return bool(request.user.has_perm("knowledge.add_source"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A file to import; what became of it; the lines that were left out."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        outcome = self._import(request, form) if request.method == "POST" and form.is_valid() else {}
        if "imported" in outcome:
            form = UploadForm()
        context = {**self.admin_site.each_context(request), "title": _("Import a file"), "form": form, **outcome}
        return render(request, "knowledge/upload.html", {**context, "opts": self.opts})

    def _import(self, request: HttpRequest, form: UploadForm) -> dict[str, Any]:
        given = form.cleaned_data
        file, title, url = given["file"], given["title"], given["url"] or None
        try:
            done = imports.import_file(file.read(), name=file.name, title=title, url=url, now=timezone.now())
        except Problem as problem:
            refused = problem.details.get("errors", [])
            return {"problem": problem.detail, "refused": refused, "refused_count": len(refused)}
        counts = f"{done.added} added, {done.changed} changed, {done.removed} removed"
        self.log_addition(request, Source.objects.get(pk=done.source_id), counts)
        refused = done.errors[:SHOWN_LINES]
        return {"imported": done, "title_given": title, "refused": refused, "refused_count": len(done.errors)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Count the passages of all rows of the page in the query that reads them."""
        counted: QuerySet[Source] = super().get_queryset(request).annotate(passage_count=Count("passages"))
        return counted

    @admin.display(description="passages", ordering="passage_count")
    def passage_count(self, source: Source) -> int:
        return int(getattr(source, "passage_count", 0))


@admin.register(Passage)
class PassageAdmin(_Imported):
    list_display = ["question", "topic", "source"]
    list_select_related = ["source"]
    search_fields = ["question", "topic", "answer"]
    list_filter = ["source", "topic"]
    ordering = ["source", "position"]

    def delete_model(self, request: HttpRequest, obj: Passage) -> None:
        """One passage less."""
        self.delete_queryset(request, Passage.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Passage]) -> None:
        """These passages are gone, and the versions of their sources tell it; until the file is imported again."""
        with transaction.atomic():
            sources = list(queryset.order_by().values_list("source", flat=True).distinct())
            queryset.delete()
            Source.objects.filter(pk__in=sources).update(version=F("version") + 1, updated_at=timezone.now())
