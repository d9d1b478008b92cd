"""People's files in a folder of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage

PART = ".part"  # at the end of the name of what is being written


class Folder(FileSystemStorage):
    """A folder in which a file is there whole and to stay, or not at all."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        """The bytes are on disk under this name, all of them; a crash before leaves at most a `.part`."""
        path = self.place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        try:
            with part.open("xb") as file:
                file.write(content.read())
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # the name too, not only the bytes
            finally:
                os.close(directory)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name: ours are never used twice."""
        return name

    def place(self, name: str) -> Path:
        """Where the file of this name lies; the name is one of ours."""
        return Path(self.location, name)

    def stored(self, prefix: str) -> Iterator[tuple[str, float]]:
        """The names that begin with this folder's, and the second since 1970 in which each was written."""
        for folder, shelves, names in os.walk(self.place(prefix)):
            shelves.sort()
            for name in names:
                path = Path(folder, name)
                try:
                    written_at = path.stat().st_mtime
                except FileNotFoundError:
                    continue  # gone meanwhile
                yield path.relative_to(self.location).as_posix(), written_at
