"""Django's half of the site: pages, admin, DRF."""

import importlib
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
application = get_wsgi_application()
importlib.import_module(settings.ROOT_URLCONF)  # now, and not while the first one waits for a page
