"""The whole site: the front door, with Django behind it in a bounded pool of threads."""

import functools
import os

import django
from a2wsgi import WSGIMiddleware
from django.conf import settings
from starlette.types import ASGIApp

# A process that only serves begins here, and models can be imported only when Django is set up.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
django.setup()

from besedka.door.app import make_door  # noqa: E402 - as above
from besedka.door.arriving import Arriving  # noqa: E402
from besedka.door.house import Door  # noqa: E402
from besedka.project import loops, sentry, starting  # noqa: E402
from besedka.project.wsgi import application as pages  # noqa: E402

DJANGO_THREADS = 8  # requests to Django at once; the next one waits, the door does not


def make_site() -> ASGIApp:
    """The site as the settings have it. Raises `SystemExit` where they are unsafe."""
    starting.refuse_unsafe_settings()
    sentry.begin()
    door = Door(rate_limits=settings.RATE_LIMITS, trusted_proxies=settings.TRUSTED_PROXIES)
    return make_door(
        door,
        behind=Arriving(WSGIMiddleware(pages, workers=DJANGO_THREADS)),  # type: ignore[arg-type]  # its own ASGI types
        lifespan=functools.partial(loops.lifespan, door=door, redis_url=settings.REDIS_URL),
        access_log=settings.ACCESS_LOG,
    )


application = make_site()
