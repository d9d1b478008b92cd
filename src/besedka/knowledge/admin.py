from django.contrib import admin
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from besedka.knowledge.models import Passage, Source


class _Imported(ModelAdmin):
    """Comes from a file and is mended there: what is edited here would be undone by the next import."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Source)
class SourceAdmin(_Imported):
    list_display = ["title", "kind", "passage_count", "version", "updated_at"]
    search_fields = ["title"]
    list_filter = ["kind"]
    ordering = ["title"]

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
