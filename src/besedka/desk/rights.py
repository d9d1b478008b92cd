"""What a post at the desk permits, and who is told when it changes."""

from typing import Any

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from besedka.accounts import rights, roles
from besedka.accounts.models import User
from besedka.conversations import signals
from besedka.desk.models import Operator


class OfTheDesk(roles.Granting):
    """The permissions of operators. Staff who has not come yet has a post from the first visit on."""

    decides = frozenset({roles.OPERATE, roles.SUPERVISE})

    def granted(self, user: User) -> set[str]:
        """Operators operate, supervisors supervise."""
        row = Operator.objects.filter(user_id=user.pk).values_list("is_enabled", "is_supervisor").first()
        operates, supervises = row or (user.is_staff, user.is_superuser)
        return {roles.OPERATE, *([roles.SUPERVISE] if supervises else [])} if operates else set()


def connect() -> None:
    """From now on every change of a post is noticed that goes through Django's models."""
    pre_save.connect(_before_save, Operator, dispatch_uid="rights")
    post_save.connect(_after_save, Operator, dispatch_uid="rights")
    post_delete.connect(_after_delete, Operator, dispatch_uid="rights")
    m2m_changed.connect(_inboxes_changed, Operator.inboxes.through, dispatch_uid="rights")
    pre_delete.connect(_before_inbox_goes, "conversations.Inbox", dispatch_uid="rights")


def _before_save(instance: Operator, **_: Any) -> None:
    was = Operator.objects.filter(pk=instance.pk).values_list("is_enabled", "is_supervisor").first()
    # Whoever is staff sat here before there was a row that says so.
    instance.was = was or (instance.user.is_staff, instance.is_supervisor)


def _after_save(instance: Operator, **_: Any) -> None:
    if instance.was[0] != instance.is_enabled:
        rights.end(instance.user)
    elif instance.was[1] != instance.is_supervisor:
        _tell([instance.user_id])


def _after_delete(instance: Operator, **_: Any) -> None:
    if instance.is_enabled:
        rights.end_many([instance.user_id])


def _inboxes_changed(instance: Operator, action: str, **_: Any) -> None:
    if action in ("post_add", "post_remove", "post_clear"):
        _tell([instance.user_id])


def _before_inbox_goes(instance: Any, **_: Any) -> None:
    """Whoever served this inbox alone serves none then: a post without inboxes would serve all of them."""
    for operator in Operator.objects.filter(inboxes=instance.pk):
        if not operator.inboxes.exclude(pk=instance.pk).exists():
            operator.is_enabled = False
            operator.save(update_fields=["is_enabled"])
        else:
            _tell([operator.user_id])


def _tell(user_ids: list[int]) -> None:
    """Consoles of these people begin anew: what they may see there is read when they connect."""
    transaction.on_commit(lambda: signals.tell_of_rights(user_ids))
