from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from besedka.accounts import resetting
from besedka.accounts.models import User

admin.site.unregister((Group, BlacklistedToken, OutstandingToken))  # tokens are nobody's to look at


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = [resetting.reset_second_factors]


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """Groups of permissions."""


@admin.register(AccessAttempt)
class WrongTriesAdmin(ModelAdmin):
    """Who is locked out of signing in now; to forget the tries is to let them try again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    fields = list_display
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come by themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        """They are what happened."""
        return False
