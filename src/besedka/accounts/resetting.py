"""What administrators do for people who cannot get in any more."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from besedka.accounts import second_factor
from besedka.accounts.models import User


@admin.action(description=gettext_lazy("Reset the second factor"), permissions=["change"])
def reset_second_factors(modeladmin: Any, request: HttpRequest, users: QuerySet[User]) -> None:
    """The password alone is enough for them again. Only administrators weaken accounts of staff."""
    actor = request.user
    assert isinstance(actor, User)
    allowed = users if actor.is_superuser else users.filter(is_superuser=False, is_staff=False)
    changed = list(allowed.filter(second_factor__isnull=False))
    second_factor.switch_off(User.objects.filter(pk__in=[user.pk for user in changed]))
    if changed:
        text = gettext("The second factor was reset.")
        LogEntry.objects.log_actions(actor.pk, changed, CHANGE, change_message=text)
    messages.success(request, gettext("Second factors that were reset: %(count)d.") % {"count": len(changed)})
