"""What a command has to say to whoever typed it."""

import sys


def complain(sentence: str) -> int:
    """Say what is wrong; the exit code of a command that could not do its work."""
    print(sentence, file=sys.stderr)
    return 1
