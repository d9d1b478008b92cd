"""What pytest-xdist makes of the names of tests that belong together."""

import re


def plain(name: str) -> str:
    """A test's name, or its id, without the group that `--dist loadgroup` writes behind it."""
    return re.sub(r"@[\w-]+$", "", name)
