"""Writes docs/operations/settings.md and the end of deploy/.env.example from the settings themselves."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
SETTINGS = DOCS.parent / "src" / "besedka" / "project" / "settings.py"
PAGE = DOCS / "operations" / "settings.md"
EXAMPLE = DOCS.parent / "deploy" / ".env.example"
MARK = "# ── Every other variable of the product, with its default\n"
UNSET = ('""', "[]")
LINE = re.compile(r'env\.(\w+)\("([A-Z0-9_]+)", (?:default=)?(.+?)\)(?: or .+?)?  # (.+)$', re.MULTILINE)
SWITCHES = {"True": "on", "False": "off"}


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


def example() -> str:
    """The example of an environment as it has to be: above the mark as it is, below it what is not said above."""
    head, mark, _ = EXAMPLE.read_text(encoding="utf-8").partition(MARK)
    above = set(re.findall(r"^#?([A-Z0-9_]+)=", head, re.MULTILINE))
    lines = []
    for _, name, default, reason in LINE.findall(SETTINGS.read_text(encoding="utf-8")):
        if name not in above:
            shown = "" if default in UNSET else re.sub(r'["\[\] ]', "", default)
            lines += [f"# {reason}", f"#{name}={SWITCHES.get(shown, shown)}"]
    return "\n".join([head + mark.rstrip("\n"), *lines, ""])


if __name__ == "__main__":
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
