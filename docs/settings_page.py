"""Writes docs/operations/settings.md from the settings themselves: name, default, and the reason given there."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
SETTINGS = DOCS.parent / "src" / "besedka" / "project" / "settings.py"
PAGE = DOCS / "operations" / "settings.md"
UNSET = ('""', "[]")
LINE = re.compile(r'env\.(\w+)\("([A-Z_]+)", (?:default=)?(.+?)\)(?: or .+?)?  # (.+)$', re.MULTILINE)


def page() -> str:
    """The page as it has to be."""
    rows = []
    for kind, name, default, reason in LINE.findall(SETTINGS.read_text(encoding="utf-8")):
        shown = "unset" if default in UNSET else f"`{default}`"
        rows.append(f"| `{name}` | {kind} | {shown} | {reason} |")
    head = [
        "# Settings",
        "",
        "Everything is set in the environment. A secret can stand in a file: `NAME_FILE=/run/secrets/name`.",
        "",
        "| variable | type | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
