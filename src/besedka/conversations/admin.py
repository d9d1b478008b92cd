"""Inboxes, contacts and conversations for administrators; a log as a chat, with the reason of each turn."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from besedka.conversations import closing, deliveries, ownership, retention
from besedka.conversations.bounded_pages import BoundedPages
from besedka.conversations.changes import Change
from besedka.conversations.data_pages import DataPages
from besedka.conversations.models import Act, Contact, Conversation, Delivery, Identity, Inbox, Turn
from besedka.conversations.rows import Row

SHOWN_MESSAGES = 200  # of a log, the newest

OWNER_COLOURS = {"bot": "info", "queue": "warning", "operator": "success"}
DELIVERY_COLOURS = {"waiting": "info", "sending": "warning", "delivered": "success", "parked": "danger"}
STATUS_COLOURS = {"open": "success", "snoozed": "warning", "closed": "danger"}


class ReadOnlyAdmin(ModelAdmin):
    """Looked at here, changed elsewhere: the log has one keeper."""

    paginator = BoundedPages

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a field."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Inbox)
class InboxAdmin(ModelAdmin):
    list_display = ("name", "kind", "public_key", "is_default", "first_owner", "language", "written")
    list_filter = ("kind", "first_owner", "language")
    search_fields = ("name", "public_key")
    readonly_fields = ("public_key", "first_owner", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inbox]:
        """With the number of conversations, in the same query."""
        return super().get_queryset(request).annotate(written=Count("conversations"))  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Say at once what a new bound of keeping will erase."""
        super().save_model(request, obj, form, change)
        old = retention.due(obj.pk, timezone.now()) if "kept_days" in form.changed_data else 0
        if old:
            told = _("%(n)d conversations are older: they go within the hour. Empty the field to keep them.")
            messages.warning(request, told % {"n": old})

    @display(description=_("conversations"), ordering="written")
    def written(self, inbox: Any) -> int:
        """How many conversations it has."""
        return int(inbox.written)


@admin.register(Contact)
class ContactAdmin(DataPages, ReadOnlyAdmin):
    list_display = ("__str__", "known_by", "created_at", "erased_at")
    search_fields = ("name", "identities__shown")
    list_filter = ("identities__kind",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """With the identities, in one more query for all."""
        return super().get_queryset(request).prefetch_related("identities")  # type: ignore[no-any-return]

    @display(description=_("known by"))
    def known_by(self, contact: Contact) -> str:
        """The kinds and first characters of what they are known by."""
        return ", ".join(f"{identity.kind} {identity.shown}…" for identity in contact.identities.all())


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "who",
        "inbox",
        "status_label",
        "owner_label",
        "operator",
        "last_seq",
        "last_message_at",
    )
    list_filter = ("status", "owner", "inbox")
    search_fields = ("=id", "contact__name", "contact__identities__shown")
    list_select_related = ("inbox", "contact", "operator")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("return_to_bot", "close")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("inbox", "who"),
                    ("status_label", "owner_label", "operator"),
                    ("episode", "owner_version"),
                )
            },
        ),
        (_("Log"), {"fields": ("log",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """With what contacts are known by, in one more query for all."""
        identities = Prefetch("contact__identities", Identity.objects.only("contact_id", "kind", "shown"))
        return super().get_queryset(request).prefetch_related(identities)  # type: ignore[no-any-return]

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether this person may change who answers."""
        return bool(request.user.has_perm("conversations.change_conversation"))

    @display(description=_("contact"))
    def who(self, conversation: Conversation) -> str:
        """The contact's name, or what it is known by."""
        identities = ", ".join(f"{identity.shown}…" for identity in conversation.contact.identities.all())
        return conversation.contact.name or identities

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def status_label(self, conversation: Conversation) -> str:
        """Open, snoozed or closed."""
        return conversation.status

    @display(description=_("owner"), ordering="owner", label=OWNER_COLOURS)
    def owner_label(self, conversation: Conversation) -> str:
        """Who answers now."""
        return conversation.owner

    @display(description=_("log"))
    def log(self, conversation: Conversation) -> SafeString:
        """The newest messages as a chat, each turn of the bot with its trace before what it said."""
        messages = list(conversation.messages.select_related("operator").order_by("-seq")[:SHOWN_MESSAGES])[::-1]
        turns = Turn.objects.filter(conversation=conversation, upto_seq__gte=messages[0].seq if messages else 0)
        by_seq: dict[int, list[Turn]] = {}
        for turn in turns.order_by("pk"):
            by_seq.setdefault(turn.upto_seq, []).append(turn)
        entries = [(message, by_seq.get(message.seq, [])) for message in messages]
        hidden = messages[0].seq - 1 if messages and conversation.status != "erased" else 0
        return render_to_string("conversations/log.html", {"entries": entries, "hidden": hidden})

    @admin.action(description=_("Let the bot answer again"), permissions=["act"])
    def return_to_bot(self, request: HttpRequest, chosen: QuerySet[Conversation]) -> None:
        """The bot answers from the next message on."""
        results = ownership.return_many(self._wishes(request, chosen))
        changed = sum(isinstance(result, Row) for result in results)
        self.message_user(request, _("The bot answers in %(n)d conversations again.") % {"n": changed})

    @admin.action(description=_("Close"), permissions=["act"])
    def close(self, request: HttpRequest, chosen: QuerySet[Conversation]) -> None:
        """The episode ends."""
        results = closing.close_many(self._wishes(request, chosen))
        closed = sum(isinstance(result, Row) for result in results)
        self.message_user(request, _("%(n)d conversations closed.") % {"n": closed})

    def _wishes(self, request: HttpRequest, chosen: QuerySet[Conversation]) -> list[Change]:
        return [Change(pk, request.user.pk, over=True) for pk in chosen.values_list("pk", flat=True)]


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    list_display = ("conversation", "outcome", "reason", "from_seq", "upto_seq", "started_at", "milliseconds")
    list_filter = ("outcome", "reason")
    search_fields = ("=conversation__id",)
    list_select_related = ("conversation",)
    ordering = ("-id",)
    show_full_result_count = False

    @display(description=_("thought, ms"))
    def milliseconds(self, turn: Turn) -> str:
        """How long the bot thought."""
        return str(turn.trace.get("milliseconds", ""))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "state_label", "attempts", "is_doubtful", "error", "due_at", "delivered_at")
    list_filter = ("state", "channel", "is_doubtful")
    search_fields = ("recipient", "=conversation__id")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("send_again",)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether this person may send something."""
        return bool(request.user.has_perm("conversations.change_delivery"))

    @display(description=_("state"), ordering="state", label=DELIVERY_COLOURS)
    def state_label(self, delivery: Delivery) -> str:
        """Waiting, being sent, there, or given up."""
        return delivery.state

    @admin.action(description=_("Send again"), permissions=["act"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """What was given up is tried again."""
        sent = deliveries.send_again(list(chosen.values_list("pk", flat=True)))
        self.message_user(request, _("%(n)d deliveries are tried again.") % {"n": sent})


@admin.register(Act)
class ActAdmin(ReadOnlyAdmin):
    list_display = ("at", "act", "actor", "conversation_id", "details")
    list_filter = ("act", "at")
    search_fields = ("=conversation_id", "actor__username")
    list_select_related = ("actor",)
    ordering = ("-id",)
    show_full_result_count = False
