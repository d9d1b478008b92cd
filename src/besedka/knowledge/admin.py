"""Sources and passages for administrators: looked at, deleted, and imported from a file."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget, UnfoldAdminURLInputWidget

from besedka.accounts.models import User
from besedka.knowledge import recognition, rows, submissions
from besedka.knowledge.models import Import, Passage, Source
from besedka.problems import Problem

WAIT_S = 1.0  # most imports have ended then, and their page need not show how far they are
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
        """A file to import; how that goes stands on a page of its own."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form, problem = UploadForm(request.POST or None, request.FILES or None), ""
        if request.method == "POST" and form.is_valid():
            try:
                import_id = _submit(form.cleaned_data, request)
            except Problem as refusal:
                problem = refusal.detail
            else:
                submissions.until_ended(import_id, within_s=WAIT_S)
                return HttpResponseRedirect(reverse("admin:knowledge_import_change", args=[import_id]))
        context = {**self.admin_site.each_context(request), "title": _("Import a file"), "form": form}
        return render(request, "knowledge/upload.html", {**context, "problem": problem, "opts": self.opts})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Count the passages of all rows of the page in the query that reads them."""
        counted: QuerySet[Source] = super().get_queryset(request).annotate(passage_count=Count("passages"))
        return counted

    @admin.display(description="passages", ordering="passage_count")
    def passage_count(self, source: Source) -> int:
        return int(getattr(source, "passage_count", 0))


def _submit(given: dict[str, Any], request: HttpRequest) -> int:
    return submissions.submit(
        given["file"].read(),
        name=given["file"].name,
        title=given["title"],
        url=given["url"] or None,
        asked_by=request.user.pk,
        now=timezone.now(),
    )


@admin.register(Import)
class ImportAdmin(_Imported):
    """Who handed in what in the last month, and what it did."""

    list_display = ["title", "name", "state", "asked_by", "created_at", "ended_at"]
    list_select_related = ["asked_by"]
    search_fields = ["title", "name"]
    list_filter = ["state"]
    ordering = ["-pk"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Who may see sources or add some."""
        user = request.user
        return bool(user.has_perm("knowledge.view_source") or user.has_perm("knowledge.add_source"))

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        """Those that this person may see."""
        assert isinstance(request.user, User)
        seen: QuerySet[Import] = super().get_queryset(request).filter(submissions.seen_by(request.user))
        return seen

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far it is; when it has ended, what it did and the lines that were left out."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = self.get_object(request, object_id)
        if asked is None:
            raise Http404
        context = {**self.admin_site.each_context(request), "title": asked.title, "asked": asked}
        return render(request, "knowledge/import.html", {**context, **_told(asked), "opts": self.opts})


def _told(asked: Import) -> dict[str, Any]:
    """What there is to say of an import that has ended."""
    if asked.state == Import.State.DONE:
        refused = [(error["line"], error["reason"]) for error in asked.result["errors"]]
        return {"result": asked.result, "refused": refused[:SHOWN_LINES], "refused_count": asked.result["refused"]}
    if asked.state == Import.State.FAILED:
        problem = submissions.problem_of(asked)
        refused = problem.details.get("errors", [])
        return {"problem": problem.detail, "refused": refused, "refused_count": len(refused)}
    return {"is_under_way": True}


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
