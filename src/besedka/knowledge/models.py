from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """A document of knowledge. Its version grows with every change of its passages: so an index knows its age."""

    class Kind(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        MARKDOWN = "markdown", "Markdown"
        TEXT = "text", _("plain text")
        HTML = "html", "HTML"
        PDF = "pdf", "PDF"
        JSONL = "jsonl", "JSONL"
        PEOPLE = "people", _("answers of people")  # written down here, one by one

    title = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.CSV)
    url = models.CharField(max_length=2000, blank=True, default="")  # what visitors are shown as its link
    folder = models.CharField(
        max_length=1000, blank=True, default=""
    )  # that it was last imported with, if with one
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the file it was last imported from
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="source_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="source_kind_is_known",
                condition=Q(kind__in=["csv", "xlsx", "markdown", "text", "html", "pdf", "jsonl", "people"]),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Passage(models.Model):
    """A piece of a source: what is searched and quoted."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="passages")
    key = models.CharField(max_length=64)  # which row of the source this is, whatever its answer says now
    topic = models.CharField(max_length=500, blank=True)
    question = models.TextField(blank=True)
    answer = models.TextField()
    digest = models.CharField(
        max_length=64
    )  # of topic, question and answer: the same text need not be written again
    url = models.CharField(max_length=2000, blank=True, default="")  # of this passage alone; else its source's
    position = models.PositiveIntegerField()  # in the source, from 0

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="a_source_has_a_passage_once"),
            models.CheckConstraint(name="passage_has_an_answer", condition=~Q(answer="")),
        ]

    def __str__(self) -> str:
        return self.question or self.topic or f"passage {self.pk}"
