"""What one process at a time does for a whole installation."""

from django.db import models


class Post(models.Model):
    """Something that one process does for all of them, as long as it says that it lives."""

    name = models.CharField(max_length=32, unique=True)
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
