"""Each test has a folder of files of its own."""

from pathlib import Path

import pytest


@pytest.fixture
def media(settings, tmp_path) -> Path:
    """Where its files lie."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "files"
