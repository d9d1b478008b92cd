"""Does what a Dockerfile says without a container engine: its own instructions, in folders to chroot into.

Needs root and debootstrap. Instead of the image `python:3.11-slim-bookworm` each stage begins from a bookworm with
Debian's own Python 3.11.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = "python3,python3-venv,ca-certificates"


@dataclass
class Stage:
    """One stage: the folder that stands for its image, and what its instructions have said so far."""

    root: Path
    name: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def chrooted(self, *command: str) -> list[str]:
        """The command as it is run inside, by the user and in the folder that the image says."""
        inside = ["env", "-i", *(f"{k}={v}" for k, v in self.surroundings().items()), *command]
        script = f'cd {self.workdir} && exec "$@"'
        return ["chroot", f"--userspec={self.user}", "--groups=", str(self.root), "sh", "-c", script, "-", *inside]

    def surroundings(self) -> dict[str, str]:
        """Its environment; of this machine's only what its network needs."""
        ours = {"SSL_CERT_FILE": str(CERTIFICATES), "PIP_CERT": str(CERTIFICATES), "HOME": "/tmp"}
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, **ours, **proxies, **self.environment}


def base(folder: Path) -> Path:
    """A bookworm with Python 3.11, as the slim image has it."""
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)], stdout=out
        )
    assert made.returncode == 0, log.read_text(errors="replace")[-2000:]
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for ours in (CERTIFICATES, Path("/etc/resolv.conf"), Path("/etc/hosts")):
        shutil.copy(ours, folder / str(ours)[1:])
    return folder


def build(dockerfile: Path, context: Path, bases: Path, work: Path) -> Stage:
    """All stages in order; the last one is the image."""
    stages: list[Stage] = []
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            name = rest.partition(" AS ")[2]
            root = work / (name or "image")
            subprocess.run(["cp", "-a", "--reflink=auto", str(bases), str(root)], check=True)
            stages.append(Stage(root, name))
        else:
            _perform(word, rest, stages, context)
    return stages[-1]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Each instruction with what follows it on its line, and on the lines that a backslash joins to it."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def _perform(word: str, rest: str, stages: Sequence[Stage], context: Path) -> None:
    stage = stages[-1]
    match word:
        case "RUN":
            subprocess.run(stage.chrooted("/bin/sh", "-c", rest), check=True)
        case "COPY":
            _copy(rest, stages, context)
        case "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                stage.environment[name] = value.replace("$PATH", stage.surroundings()["PATH"])
        case "USER":
            stage.user = rest
        case "WORKDIR":
            stage.workdir = rest
            (stage.root / rest[1:]).mkdir(parents=True, exist_ok=True)
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        case "CMD":
            stage.command = json.loads(rest)
        case "HEALTHCHECK":
            stage.healthcheck = json.loads(rest.partition(" CMD ")[2])
        case "LABEL" | "EXPOSE" | "STOPSIGNAL":
            pass
        case _:
            raise ValueError(f"unknown instruction {word}")


def _copy(rest: str, stages: Sequence[Stage], context: Path) -> None:
    stage = stages[-1]
    if rest.startswith("--from="):
        other, source, target = rest.removeprefix("--from=").split()
        root = next(one.root for one in stages if one.name == other)
        subprocess.run(["cp", "-a", str(root / source[1:]), str(stage.root / target[1:])], check=True)
        return
    source, target = rest.split()
    there = stage.root / (Path(stage.workdir) / target).as_posix()[1:]
    files = sent(context) if source == "." else [Path(source)]
    assert set(files) <= set(sent(context)), f"{source} is not sent to the builder"
    for path in files:
        goal = there / path if source == "." else there
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(context / path, goal)


def sent(context: Path) -> list[Path]:
    """The files of the context that `.dockerignore` lets through; of its patterns the last that fits decides."""
    lines = (context / ".dockerignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [path for path in _files(context) if not _ignored(path, patterns)]


def _files(context: Path) -> list[Path]:
    found = []
    for folder, names, files in os.walk(context):
        names[:] = [name for name in names if name not in (".git", ".venv", "node_modules")]
        found += [(Path(folder) / name).relative_to(context) for name in files]
    return found


def _ignored(path: Path, patterns: Sequence[str]) -> bool:
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        places = [path, *path.parents]
        if any(_fits(str(place), wanted) for place in places if str(place) != "."):
            ignored = not pattern.startswith("!")
    return ignored


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return fnmatch.fnmatch(path, pattern) and path.count("/") == pattern.count("/")


def size_mb(root: Path, but: Path) -> int:
    """Megabytes that this image has more than its base."""
    sizes = [
        int(subprocess.run(["du", "-sm", str(one)], check=True, capture_output=True, text=True).stdout.split()[0])
        for one in (root, but)
    ]
    return sizes[0] - sizes[1]
