"""What the documentation tells people to type is what the product takes."""

import re
import shlex
from pathlib import Path

import pytest

from besedka.cli.parser import make_parser

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README.ru.md"]
PAGES = [*READMES, *sorted(page for page in (ROOT / "docs").rglob("*.md") if "decisions" not in page.parts)]
FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:[A-Z_]+=\S* )*besedka [a-z][^`]*)`")
ENDS = re.compile(r"\s(?:#|[|<>;]|&&|>>).*$")


def commands(page: Path) -> list[list[str]]:
    """Every `besedka …` on a page, as words after its name."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for block in FENCE.findall(text) for line in block.splitlines()]
    found = []
    for line in [*lines, *INLINE.findall(text)]:
        typed = re.search(r"(?:^|[\s;&(/])besedka ([a-z].*)", line)
        if typed:
            found.append(shlex.split(ENDS.sub("", f" {typed[1]}").replace("…", " ")))
    return [words for words in found if words]


def known() -> dict[str, set[str]]:
    """Each command with its options."""
    [made] = [action for action in make_parser()._actions if hasattr(action, "choices") and action.choices]
    return {
        name: {option for action in command._actions for option in action.option_strings}
        for name, command in dict(made.choices).items()  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_on_a_page_is_one_that_we_have(page):
    there = known()

    for name, *words in commands(page):
        assert name in there, f"besedka {name}"
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert name == "manage" or given <= there[name], f"besedka {name} {sorted(given - there[name])}"


def test_commands_are_found_where_they_stand():
    runbook = ROOT / "docs" / "operations" / "runbook.md"

    found = commands(runbook)

    assert ["erase-contact", "17", "--yes"] in found
    assert ["backup", "--verify", "/backups/last.tar"] in found
    assert len(found) > 20
