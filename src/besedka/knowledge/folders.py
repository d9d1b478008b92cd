"""A folder of files as sources: what is in it, how each is called, and what was in it once."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from besedka.knowledge import recognition
from besedka.knowledge.models import Source


class Folder(NamedTuple):
    """What a folder holds, by the names of its files."""

    titles: dict[Path, str]  # of each file that can be imported, in order
    unsupported: list[Path]


def look(folder: Path) -> Folder:
    """The files in the folder and below, without hidden ones. Nothing is opened, and no link is followed out.

    A file is called by its path without its ending; by all of its path, where two would be called alike.
    """
    top = folder.resolve()
    inside = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and _is_below(path, top)]
    shown = sorted(path for path in inside if not any(part.startswith(".") for part in path.parts))
    supported = [path for path in shown if recognition.by_name(path.name) is not None]
    alike = Counter(path.with_suffix("").as_posix() for path in supported)
    titles = {}
    for path in supported:
        short = path.with_suffix("").as_posix()
        titles[folder / path] = short if alike[short] == 1 else path.as_posix()
    return Folder(titles, [folder / path for path in shown if recognition.by_name(path.name) is None])


def alone(file: Path, title: str | None) -> Folder:
    """One file, as if there were a folder for it."""
    return Folder({file: title or file.stem}, [])


def known(titles: list[str]) -> list[str]:
    """Those of the titles that sources have."""
    return list(Source.objects.filter(title__in=titles).values_list("title", flat=True))


def gone(folder: Path, titles: dict[Path, str]) -> list[str]:
    """The titles of the sources that came from this folder and have no file in it any more."""
    there = set(titles.values())
    came = Source.objects.filter(folder=place(folder)).order_by("title")
    return [title for title in came.values_list("title", flat=True) if title not in there]


def remove(folder: Path, titles: list[str]) -> None:
    """These sources, which came from this folder, are not there any more."""
    Source.objects.filter(folder=place(folder), title__in=titles).delete()


def place(folder: Path) -> str:
    """The folder as its sources remember it: the same for every way to write it, and text, whatever its bytes."""
    return str(folder.resolve()).encode("utf-8", "replace").decode()[-1000:]


def _is_below(path: Path, top: Path) -> bool:
    return path.resolve().is_relative_to(top)
