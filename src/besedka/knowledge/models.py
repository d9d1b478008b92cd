from django.conf import settings
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


_UNDER_WAY = Q(state__in=["waiting", "running"], ended_at=None)
_ENDED = _UNDER_WAY | Q(state__in=["done", "failed"], ended_at__isnull=False)


class Import(models.Model):
    """A file that somebody handed in, on its way to become a source; what it did is kept for a month."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    class Stage(models.TextChoices):
        READING = "reading", _("the file is being read")
        WRITING = "writing", _("the passages are being written")

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("handed in by")
    )
    name = models.CharField(_("file"), max_length=255)
    title = models.CharField(_("title"), max_length=200)  # of the source that it becomes
    url = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - null: the source keeps the link it has
    size = models.PositiveIntegerField(_("size"))  # bytes
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    stage = models.CharField(max_length=8, choices=Stage, blank=True, default="")  # of a running one
    done = models.PositiveIntegerField(default=0)  # of this stage: rows, pages or passages
    of = models.PositiveIntegerField(default=0)  # 0 where nobody knows yet
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_key = models.CharField(max_length=32, blank=True, default="")  # whose it is
    held_until = models.DateTimeField(null=True)  # nobody else begins it before
    result = models.JSONField(default=dict)  # what it did, in passages
    problem = models.JSONField(default=dict)  # why it failed
    created_at = models.DateTimeField(_("handed in"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        default_permissions = ()  # whoever may see or add sources may see or begin imports of them
        constraints = [
            models.CheckConstraint(name="import_ends_once", condition=_ENDED),
            models.CheckConstraint(
                name="import_has_a_lease_exactly_when_running",
                condition=Q(state="running", held_until__isnull=False) & ~Q(lease_key="")
                | ~Q(state="running") & Q(lease_key=""),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ImportPart(models.Model):
    """A piece of a handed-in file, gone when the import has ended.

    Apart from the import, so that telling how far it is never writes the file again; in pieces, because MariaDB as
    it comes takes no 20 MB in a statement.
    """

    of = models.ForeignKey(Import, models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="a_file_has_a_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of import {self.of_id}"
