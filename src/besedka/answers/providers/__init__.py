"""Ways to answer, one file each: a module here with an async function `answer` is a provider of its own name."""

import importlib
import pkgutil
from functools import cache

from besedka.answers.answerer import Answerer


@cache
def names() -> tuple[str, ...]:
    """Every provider there is."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def named(name: str) -> Answerer:
    """The answerer of this name; its libraries are loaded when it is first asked for. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    answerer: Answerer = importlib.import_module(f"{__name__}.{name}").answer
    return answerer
