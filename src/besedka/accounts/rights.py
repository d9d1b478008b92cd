"""The end of what somebody holds. Sessions, tokens, tickets and open connections last as long as the rights do.

What an account says of itself is part of its fingerprint (`User.get_session_auth_hash`), and so is a version that
counts what is written elsewhere: groups, permissions, the post at the desk. What was given with another
one is worth nothing; `changed` says at once, to who keeps a connection open, that it is time to compare.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import F
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.dispatch import Signal

from besedka.accounts.models import Ticket, User

# The fields that a change of which ends everything; `is_active`, so that what ended does not begin again.
WATCHED = ("password", "is_active", "is_staff", "is_superuser", "is_author")

changed = Signal()  # after the commit, with `user_ids`: these people's rights are not what they were


def end_many(user_ids: Iterable[int]) -> None:
    """Sessions and tokens of these people end, tickets are gone, and their open connections look again."""
    ended = list(set(user_ids))
    if ended:
        User.objects.filter(pk__in=ended).update(rights_version=F("rights_version") + 1)
        announce(ended)


def end(user: User) -> None:
    """As `end_many`; this object knows the new version, so that whoever is signed in with it now stays so."""
    end_many([user.pk])
    user.refresh_from_db(fields=["rights_version"])


def announce(user_ids: Iterable[int]) -> None:
    """Tell open connections, after the commit, to compare; tickets that were not used yet are gone."""
    told = list(user_ids)
    Ticket.objects.filter(user_id__in=told).delete()
    transaction.on_commit(lambda: changed.send(User, user_ids=told))


def connect() -> None:
    """From now on every change is noticed that goes through Django's models; `QuerySet.update` tells nobody."""
    pre_save.connect(_before_save, User, dispatch_uid="rights")
    post_save.connect(_after_save, User, dispatch_uid="rights")
    post_delete.connect(_after_delete, User, dispatch_uid="rights")
    pre_delete.connect(_before_group_goes, Group, dispatch_uid="rights")
    m2m_changed.connect(_regrouped, User.groups.through, dispatch_uid="rights groups")
    m2m_changed.connect(_regrouped, User.user_permissions.through, dispatch_uid="rights permissions")
    m2m_changed.connect(_group_changed, Group.permissions.through, dispatch_uid="rights")


def _before_save(instance: User, update_fields: Iterable[str] | None, **_: Any) -> None:
    written = set(WATCHED) if update_fields is None else set(WATCHED) & set(update_fields)
    instance.rights_moved = False
    if instance.pk is not None and written:
        was = User.objects.filter(pk=instance.pk).values(*written).first()
        instance.rights_moved = was is not None and any(getattr(instance, name) != was[name] for name in written)


def _after_save(instance: User, created: bool, **_: Any) -> None:
    if instance.rights_moved and not created:
        end(instance)


def _after_delete(instance: User, **_: Any) -> None:
    announce([instance.pk])


def _before_group_goes(instance: Group, **_: Any) -> None:
    end_many(instance.user_set.values_list("pk", flat=True))


def _regrouped(instance: User | Group | Permission, action: str, pk_set: set[int] | None, **_: Any) -> None:
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if isinstance(instance, User):
        end(instance)
    else:
        end_many(instance.user_set.values_list("pk", flat=True) if pk_set is None else pk_set)


def _group_changed(instance: Group | Permission, action: str, pk_set: set[int] | None, **_: Any) -> None:
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if isinstance(instance, Permission):
        groups = instance.group_set.values_list("pk", flat=True) if pk_set is None else pk_set
    else:
        groups = {instance.pk}
    end_many(User.objects.filter(groups__in=set(groups)).values_list("pk", flat=True))
