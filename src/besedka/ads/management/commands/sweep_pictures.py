from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from besedka.ads import changes


class Command(BaseCommand):
    help = (
        "Remove pictures that no ad shows, as a crash or a deleted account leaves them. Say how many files went."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Those of the last day stay: their ad may be about to be written."""
        self.stdout.write(f"{changes.sweep(timezone.now())} files removed")
