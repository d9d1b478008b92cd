"""The first account of an installation."""

import secrets

from django.conf import settings

from besedka.accounts.models import User


def make_administrator() -> str | None:
    """There is a user `admin`. Its password when it was made just now and nobody had chosen one, else None.

    With `BESEDKA_ADMIN_PASSWORD` that is the password, now and after each start.
    """
    admin = User.objects.filter(username="admin").first()
    chosen = settings.ADMIN_PASSWORD
    if admin is None:
        made = chosen or secrets.token_urlsafe(12)
        User.objects.create_superuser("admin", password=made)
        return None if chosen else made
    if chosen and not admin.check_password(chosen):
        admin.set_password(chosen)
        admin.save(update_fields=["password"])
    return None
