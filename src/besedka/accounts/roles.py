"""Roles, as permissions of Django: `user.has_perm(roles.AUTHOR)`. Each is told by what is stored once anyway.

A contact is whoever has an account. An author has the account's mark, an operator a post at the desk, which grants
its own permissions there. Staff may enter the admin and see there what groups and permissions show them. An
administrator is a superuser, and has every permission.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request

from besedka.accounts.models import User

AUTHOR = "accounts.author"  # makes bots, publishes ads
OPERATE = "accounts.operate"  # answers at the desk
SUPERVISE = "accounts.supervise"  # acts there over the head of the one who answers
MODERATE = "accounts.moderate"  # changes and withdraws ads of other people
ADMINISTER = "accounts.administer"  # everything, and everybody's


class Granting:
    """An authentication backend that signs nobody in: it only says, and has the last word, who has some roles."""

    decides: frozenset[str] = frozenset()  # no group or permission of the admin grants one of these

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Nobody."""

    def granted(self, user: User) -> set[str]:
        """What this account, which is switched on, may do."""
        raise NotImplementedError

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """What somebody may do: nothing for strangers, accounts that are switched off, and single objects."""
        return self.granted(user_obj) if user_obj.is_active and obj is None else set()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether this is among it. Raises `PermissionDenied`, as Django asks of who has the last word."""
        if perm not in self.decides:
            return False
        if perm not in self.get_all_permissions(user_obj, obj):
            raise PermissionDenied
        return True


class OfAccounts(Granting):
    """What is written in the account itself, so that asking for it costs no query. Superusers are never asked."""

    decides = frozenset({AUTHOR, MODERATE, ADMINISTER})

    def granted(self, user: User) -> set[str]:
        """Authors write, staff moderates."""
        return {right for right, has in ((AUTHOR, user.is_author), (MODERATE, user.is_staff)) if has}


class AuthorsWrite(IsAuthenticated):
    """Who is signed in reads, authors write."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person may."""
        return super().has_permission(request, view) and may_write(request)


class EverybodyReadsAuthorsWrite(BasePermission):
    """Strangers read, authors write."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person may."""
        return may_write(request)


def may_write(request: Request) -> bool:
    """Whether this request only reads, or comes from an author."""
    return request.method in SAFE_METHODS or bool(request.user and request.user.has_perm(AUTHOR))
