"""Django's half of the site: pages, admin, DRF."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
application = get_wsgi_application()
