from typing import Any

from django.core.management.base import BaseCommand

from besedka.accounts.administrators import make_administrator
from besedka.accounts.models import User
from besedka.bots import demo


class Command(BaseCommand):
    """An administrator and something to look at; a second time changes nothing."""

    help = "Makes an administrator, two demo bots, a scenario of four steps and an execution of it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing, and say what that was."""
        password = make_administrator()
        if password is not None:
            self.stdout.write(f"Administrator: admin, password {password}")
        made = demo.create_test_data(User.objects.get(username="admin"))
        self.stdout.write(f"Made: {', '.join(made)}." if made else "Everything was there already.")
