"""Accounts in the admin: who somebody is and what they may do, on one page."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from besedka.accounts import resetting
from besedka.accounts.models import User

admin.site.unregister((Group, BlacklistedToken, OutstandingToken))  # tokens are nobody's to look at

POWERS = (
    "is_staff",
    "is_superuser",
    "groups",
    "user_permissions",
)  # whoever could give them could take everything


class PersonForm(UserChangeForm):
    """An account, in words of ours where Django's are about its own insides."""

    class Meta(UserChangeForm.Meta):
        labels = {"is_superuser": _("Administrator"), "is_staff": _("Staff")}
        help_texts = {
            "is_active": _("Off: this person cannot sign in, and whatever is signed in is shown out."),
            "is_superuser": _("May do everything, and give any role to anybody."),
            "is_staff": _("May enter this admin, where groups and permissions say what there is to see."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if password := self.fields.get("password"):
            link = '<a class="text-primary-600 dark:text-primary-500" href="../password/">{}</a>'
            password.help_text = format_html(link, _("Set a new password"))


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = [resetting.reset_second_factors]
    list_display = ("username", "first_name", "last_name", "is_active", "is_author", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_author", "is_staff", "is_superuser", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": (("first_name", "last_name"), "email")}),
        (_("Roles"), {"fields": ("is_active", "is_author", "is_staff", "is_superuser")}),
        (_("What staff sees in this admin"), {"fields": ("groups", "user_permissions")}),
        (_("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only administrators give power."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if request.user.is_superuser else (*fixed, *POWERS)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """A post at the desk is for an account that is there."""
        return super().get_inline_instances(request, obj) if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this person may; of staff and administrators, passwords included, only administrators."""
        return super().has_change_permission(request, obj) and _is_below(obj, request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and _is_below(obj, request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever changed their own roles stays signed in here; all else that they hold has ended."""
        super().save_related(request, form, formsets, change)
        if form.instance.pk == request.user.pk:
            form.instance.refresh_from_db(fields=["rights_version"])
            update_session_auth_hash(request, form.instance)


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """Groups of permissions: administrators make them, for whoever could would be in them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Administrators may."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators may."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators may."""
        return bool(request.user.is_superuser)


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


def _is_below(account: Any, user: Any) -> bool:
    """Whether this account is an ordinary one, one's own, or the one who asks is an administrator."""
    return (
        user.is_superuser or account is None or account == user or not (account.is_staff or account.is_superuser)
    )
