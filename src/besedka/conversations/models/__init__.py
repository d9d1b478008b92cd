"""What a conversation is made of, and what must always be true of it. Only this package imports these models."""

import secrets
from datetime import UTC, datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from besedka.conversations.models.outbox import Act, Delivery, Watcher
from besedka.conversations.models.posts import Post

__all__ = [
    "Act",
    "Attachment",
    "Contact",
    "Conversation",
    "Cursor",
    "Delivery",
    "Episode",
    "Identity",
    "Inbox",
    "Message",
    "Post",
    "Turn",
    "Watcher",
    "Wording",
]

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def new_public_key() -> str:
    """An inbox's public key: not secret, but not to be guessed from another one."""
    return f"pk_{secrets.token_hex(12)}"


def any_origin() -> list[str]:
    """The default of an inbox's allowed origins: pages of any site."""
    return ["*"]


class Inbox(models.Model):
    """A place people write from. It knows who answers first, not which bot that is."""

    class Kind(models.TextChoices):
        SITE = "site"
        ROOMS = "rooms"
        TELEGRAM = "telegram"
        API = "api"

    class FirstOwner(models.TextChoices):
        BOT = "bot"
        QUEUE = "queue"

    class HandOff(models.TextChoices):
        UNSURE = "unsure"  # also when the bot knows no answer
        ASKED = "asked"  # only when somebody asks for a person

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.SITE)
    public_key = models.CharField(max_length=64, unique=True, default=new_public_key)
    is_default = models.BooleanField(
        null=True,
        blank=True,
        unique=True,
        help_text="Clients that name no inbox write here. Yes for one inbox, unset for all others.",
    )
    first_owner = models.CharField(max_length=5, choices=FirstOwner, default=FirstOwner.QUEUE)
    hand_off = models.CharField(
        max_length=6,
        choices=HandOff,
        default=HandOff.UNSURE,
        db_default=HandOff.UNSURE,
        help_text="A bot that is not sure calls a person, or asks on until somebody asks for one.",
    )
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="ru")
    title = models.CharField(max_length=100, blank=True, help_text="Stands at the top of the chat.")
    greeting = models.TextField(blank=True, help_text="Shown while nobody has written yet.")
    popular_questions = models.JSONField(default=list, blank=True, help_text='Buttons, as ["…", "…"].')
    allowed_origins = models.JSONField(
        default=any_origin,
        blank=True,
        help_text='Sites whose pages may talk to this inbox, as ["https://shop.example"]; ["*"] is any.',
    )
    kept_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(30_000)],
        help_text="Days after its last message until a conversation is erased, with its files. Empty: it is kept.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "inboxes"
        constraints = [
            models.CheckConstraint(
                name="default_is_yes_or_unset", condition=Q(is_default=True) | Q(is_default__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person who writes."""

    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True, db_default="", default="")
    phone = models.CharField(max_length=32, blank=True, db_default="", default="")
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)  # nothing is known of this person since then

    class Meta:
        permissions = [
            ("export_contact", "Can export all data of a contact"),
            ("erase_contact", "Can erase all data of a contact"),
        ]

    def __str__(self) -> str:
        return self.name or f"Contact {self.pk}"


class Identity(models.Model):
    """One way to know a contact: by a chat token, a user account or a Telegram account."""

    class Kind(models.TextChoices):
        TOKEN = "token"
        USER = "user"
        TELEGRAM = "telegram"
        SESSION = "session"  # of a program that speaks for somebody

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=8, choices=Kind)
    known_as = models.CharField(max_length=64)  # of a chat token its SHA-256, in hex: the token itself is nowhere
    shown = models.CharField(max_length=5, blank=True)  # its first characters, for people to tell contacts apart

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["known_as", "kind"], name="known_as_one_contact")]

    def __str__(self) -> str:
        return f"{self.kind} {self.shown}…"


class Conversation(models.Model):
    """One contact in one inbox. Its owner is who answers now."""

    class Status(models.TextChoices):
        OPEN = "open"
        SNOOZED = "snoozed"
        CLOSED = "closed"
        ERASED = "erased"  # nobody writes here any more; what was said is gone, or going

    class Owner(models.TextChoices):
        BOT = "bot"
        QUEUE = "queue"
        OPERATOR = "operator"

    inbox = models.ForeignKey(Inbox, models.PROTECT, related_name="conversations")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="conversations")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    owner = models.CharField(max_length=8, choices=Owner, default=Owner.QUEUE)
    owner_version = models.PositiveIntegerField(default=0)  # the fence: grows with every change of owner
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="conversations"
    )
    episode = models.PositiveIntegerField(default=1)
    episode_after = models.PositiveIntegerField(default=0)  # the last seq before this episode
    last_seq = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    last_message_at = models.DateTimeField()

    # The bot's turn: what is due, and who has it.
    heard_seq = models.PositiveIntegerField(default=0)  # the contact's newest message
    reacted_seq = models.PositiveIntegerField(default=0)  # the bot has reacted to everything up to here
    due_at = models.DateTimeField(null=True, blank=True)  # since when the contact waits for the bot
    lease_key = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # how often the due turn was begun

    # The desk: who waits for a person, since when and why, and what was done about it.
    active_at = models.DateTimeField(
        db_default=LONG_AGO
    )  # the minute of the newest message: lists stand in its order
    waiting_since = models.DateTimeField(null=True, blank=True)  # exactly while an open one is in the queue
    reason = models.CharField(max_length=64, blank=True, db_default="")  # why the bot handed over last
    hand_offs = models.PositiveSmallIntegerField(db_default=0)  # how often in a row for that reason
    stage = models.PositiveSmallIntegerField(db_default=0)  # how far the ladder has called
    snoozed_until = models.DateTimeField(null=True, blank=True)
    details_asked = models.BooleanField(db_default=False)  # an address or a phone number was asked for
    callback_at = models.DateTimeField(
        null=True, blank=True
    )  # when the contact left one and nobody has called yet
    watched = models.BooleanField(db_default=False)  # somebody outside gets every message
    erasing_since = models.DateTimeField(null=True, blank=True)  # while something of an erased one is left

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact", "inbox"], name="one_conversation_in_an_inbox"),
            models.CheckConstraint(
                name="operator_exactly_when_owner",
                condition=Q(owner="operator", operator__isnull=False)
                | (~Q(owner="operator") & Q(operator__isnull=True)),
            ),
            models.CheckConstraint(name="heard_what_is_there", condition=Q(heard_seq__lte=F("last_seq"))),
            models.CheckConstraint(name="reacted_to_what_is_there", condition=Q(reacted_seq__lte=F("last_seq"))),
            models.CheckConstraint(name="episode_within_the_log", condition=Q(episode_after__lte=F("last_seq"))),
            models.CheckConstraint(
                name="only_a_bot_has_a_turn", condition=Q(owner="bot") | Q(due_at__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="conversation_due"),
            models.Index(fields=["status", "active_at", "id"], name="conversation_listed"),
            models.Index(fields=["inbox", "status", "active_at", "id"], name="conversation_of_inbox"),
            models.Index(fields=["waiting_since", "id"], name="conversation_waiting"),
            models.Index(fields=["snoozed_until"], name="conversation_snoozed"),
            models.Index(fields=["callback_at"], name="conversation_to_call"),
            models.Index(fields=["erasing_since"], name="conversation_erasing"),
        ]

    def __str__(self) -> str:
        return f"Conversation {self.pk}"


class Message(models.Model):
    """One entry of a conversation's log. It exists when its row is committed, and never changes place."""

    class Author(models.TextChoices):
        CONTACT = "contact"
        BOT = "bot"
        OPERATOR = "operator"
        SYSTEM = "system"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    seq = models.PositiveIntegerField()  # 1, 2, 3 … without a hole: the only order
    author = models.CharField(max_length=8, choices=Author)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    text = models.TextField()
    payload = models.JSONField(null=True, blank=True)
    # The sender's own id of it: visible ASCII, so that equal means equal in every collation.
    client_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULL repeats, "" would not
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="one_message_at_a_seq"),
            # With the author: nobody takes away an id that another one will use.
            models.UniqueConstraint(
                fields=["conversation", "author", "client_id"], name="sent_twice_is_stored_once"
            ),
            models.CheckConstraint(name="seq_from_one", condition=Q(seq__gte=1)),
            models.CheckConstraint(
                name="an_operator_signs", condition=Q(author="operator") | Q(operator__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author} {self.seq}"


class Wording(models.Model):
    """The words of one message, folded and stemmed, for the search; repeated from the log, never its source.

    On PostgreSQL a `tsvector`. Without a constraint: the database would lock each message once more for it.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    words = models.TextField()

    def __str__(self) -> str:
        return f"Words of {self.pk}"


class Cursor(models.Model):
    """How far one reader of a conversation has come: a client that cannot say so itself, or a person."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="cursors", db_index=False)
    reader = models.CharField(max_length=32)
    seq = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "reader"], name="a_reader_stands_once")]

    def __str__(self) -> str:
        return f"{self.reader} at {self.seq}"


class Turn(models.Model):
    """One reaction of the bot to what the contact wrote since the last one, and why it was this one."""

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        HANDED_OFF = "handed_off"
        DROPPED = "dropped"  # somebody else had become the owner, or taken the turn, before it was done
        FAILED = "failed"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="turns", db_index=False)
    owner_version = models.PositiveIntegerField()
    from_seq = models.PositiveIntegerField()
    upto_seq = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=64, blank=True)
    trace = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_turn_covers_something", condition=Q(from_seq__lte=F("upto_seq"))),
        ]
        indexes = [models.Index(fields=["conversation", "upto_seq"], name="turn_of_a_message")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.from_seq}–{self.upto_seq}"


class Episode(models.Model):
    """A stretch of a conversation that has ended."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="episodes", db_index=False)
    number = models.PositiveIntegerField()
    after_seq = models.PositiveIntegerField()
    upto_seq = models.PositiveIntegerField()
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "number"], name="an_episode_ends_once")]

    def __str__(self) -> str:
        return f"episode {self.number}: {self.after_seq + 1}–{self.upto_seq}"


class Attachment(models.Model):
    """A file that somebody wants to send, or has sent. Its bytes lie in the store; see `attachments`."""

    key = models.CharField(max_length=32, unique=True)  # 128 random bits, in hex; all it takes to fetch the file
    conversation = models.ForeignKey(Conversation, models.CASCADE, null=True, related_name="attachments")
    # Of a file that a contact brings, who it is: its conversation may begin with this very file.
    inbox = models.ForeignKey(Inbox, models.CASCADE, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Identity.Kind, default="")
    known_as = models.CharField(max_length=64, default="")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()  # bytes
    created_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)  # when a message took it along; once

    class Meta:
        constraints = [models.CheckConstraint(name="for_somebody", condition=~Q(conversation=None, inbox=None))]
        indexes = [
            models.Index(fields=["inbox", "known_as"], name="file_of_a_contact"),
            models.Index(fields=["taken_at", "created_at"], name="file_nobody_took"),
        ]

    def __str__(self) -> str:
        return self.name
