"""`besedka import-knowledge`: a file, or a folder of them."""

from pathlib import Path

import knowledge_files
import make
import pytest

from besedka import cli
from besedka.bots.models import Bot
from besedka.knowledge.models import Source
from besedka.turns.models import BotSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return make.bot(name="Shop bot")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "b.md": b"# B\n\nText.",
        "a/rows.csv": b"question,answer\na,A\n",
        "a/.hidden.md": b"# No\n\nText.",
        ".git/notes.txt": b"No.",
        "picture.png": b"\x89PNG",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(*arguments: object) -> int:
    return cli.main(["import-knowledge", *map(str, arguments), "--bot", "Shop bot"])


def titles() -> list[str]:
    return list(Source.objects.order_by("title").values_list("title", flat=True))


def read_by(bot: Bot) -> list[str]:
    return sorted(BotSource.objects.filter(bot=bot).values_list("source__title", flat=True))


def test_a_folder_is_imported_file_by_file_and_hidden_ones_are_passed_over(bot, folder, capsys):
    code = run(folder)

    told = capsys.readouterr()
    assert code == 0
    assert titles() == read_by(bot) == ["a/rows", "b"]
    assert told.out == (
        "a/rows: 1 added, 0 changed, 0 removed, 0 as they were, 0 lines left out.\n"
        "b: 1 added, 0 changed, 0 removed, 0 as they were, 0 lines left out.\n"
    )
    assert told.err == f"Not of a format we read: {folder / 'picture.png'}\n"  # and no progress bar in a file


def test_two_files_that_would_be_called_alike_keep_their_endings(bot, folder):
    (folder / "b.txt").write_text("Text.")

    run(folder)

    assert titles() == ["a/rows", "b.md", "b.txt"]


def test_with_only_the_bot_answers_from_the_folder_and_no_other(bot, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "other.md"
    other.write_bytes(b"# O\n\nText.")
    run(other)

    run(folder)
    both = read_by(bot)
    run(folder, "--only")

    assert (both, read_by(bot)) == (["a/rows", "b", "other"], ["a/rows", "b"])


def test_what_is_refused_is_told_by_its_line_and_the_others_are_imported(bot, folder, capsys):
    (folder / "a" / "rows.csv").write_bytes(b"question,answer\na,A\nb,\n")
    (folder / "z.pdf").write_bytes(b"%PDF-1.4 broken")

    code = run(folder, "--only")

    told = capsys.readouterr().err
    assert code == 1
    assert f"{folder}/a/rows.csv:3: answer is empty\n" in told
    assert f"{folder}/z.pdf: The file is broken" in told
    assert read_by(bot) == ["a/rows", "b"]


def test_a_file_that_is_refused_today_stays_the_source_that_it_was(bot, folder):
    run(folder)
    (folder / "b.md").write_bytes(b"# Only a heading")

    assert run(folder, "--only", "--prune") == 1

    assert read_by(bot) == ["a/rows", "b"]


def test_a_source_whose_file_is_gone_is_told_and_removed_only_when_asked(bot, folder, tmp_path_factory, capsys):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "theirs.md").write_bytes(b"# T\n\nText.")
    run(folder)
    run(elsewhere)
    (folder / "b.md").unlink()
    capsys.readouterr()

    run(folder)
    told, kept = capsys.readouterr().out, titles()
    run(folder, "--prune")

    assert "b: its file is gone; kept; --prune removes it.\n" in told
    assert kept == ["a/rows", "b", "theirs"]
    assert "b: its file is gone; removed.\n" in capsys.readouterr().out
    assert titles() == ["a/rows", "theirs"]


def test_a_link_out_of_the_folder_is_not_followed(bot, folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("Nobody's business.")
    (folder / "link.txt").symlink_to(secret)

    run(folder)

    assert titles() == ["a/rows", "b"]


def test_a_file_is_imported_with_a_title_and_a_link(bot, folder):
    assert run(folder / "b.md", "--title", "Hours", "--url", "https://shop.example/") == 0

    source = Source.objects.get()
    assert (source.title, source.url, source.folder) == ("Hours", "https://shop.example/", "")


@pytest.mark.parametrize(
    "arguments",
    [("nowhere.md",), ("b.md", "--prune"), (".", "--title", "x"), ("picture.png",), ("b.md", "--url", "ftp://x")],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(bot, folder, capsys, arguments):
    assert run(folder / arguments[0], *arguments[1:]) == 1

    assert capsys.readouterr().err
    assert not Source.objects.exists()


def test_every_format_is_imported_from_a_folder(bot, tmp_path):
    for kind in knowledge_files.KINDS:
        (tmp_path / f"{kind}.{kind}").write_bytes(knowledge_files.of(kind))

    assert run(tmp_path) == 0

    assert titles() == sorted(knowledge_files.KINDS)
