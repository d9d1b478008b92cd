"""Each test has a folder of pictures of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    """Where its pictures lie."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "ads"
