"""`besedka doctor`."""

import argparse

from besedka.project.doctor import examining


def doctor(options: argparse.Namespace) -> int:
    """Look whether everything is as it should be; 1 where something is not."""
    return examining.examine_and_report(url=options.url, ask_models=options.models, as_json=options.json)
