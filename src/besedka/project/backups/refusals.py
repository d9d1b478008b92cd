"""Why there is no backup, or nothing is restored; said to whoever asked."""


class Refused(Exception):
    """It was not done, and what was there before is as it was. The message is a sentence for people."""


class Damaged(Refused):
    """This file is no backup that can be relied on."""
