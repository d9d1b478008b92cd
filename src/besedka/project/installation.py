"""What tells this installation from any other that shares a Redis with it."""

import hashlib

from django.conf import settings


def name() -> str:
    """All processes of an installation have the same secret, and no other has; so they have this name."""
    return hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]
