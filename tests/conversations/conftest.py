"""Each test has a folder of files of its own."""

from pathlib import Path

import pytest
from django.db import connection


@pytest.fixture
def media(settings, tmp_path) -> Path:
    """Where its files lie."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "files"


@pytest.fixture(autouse=True)
def nothing_is_found(request) -> None:
    """MariaDB counts from one again after a test that commits, and Django empties its models' tables only."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and connection.vendor == "mysql":
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM conversations_found")
