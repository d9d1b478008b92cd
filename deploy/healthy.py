"""Ends with 0 where the process of this machine or container says that it is well.

    healthy.py [/health/ready/ | telegram | flower | beat]

It asks by a name that the server answers to, and loads nothing of the product: it is run every few seconds.
"""

import http.client
import os
import sys
import time

ROUND_S = 30  # beat comes round every three seconds


def main(what: str = "/health/") -> int:
    """Ask once; the exit code."""
    return beats() if what == "beat" else answers(what)


def beats() -> int:
    """Beat asks nobody in; it leaves a file that says when it last came round."""
    try:
        return 0 if time.time() - os.stat(os.environ["BESEDKA_BEAT_FILE"]).st_mtime < ROUND_S else 1
    except (OSError, KeyError) as error:
        print(repr(error), file=sys.stderr)
        return 1


def answers(what: str) -> int:
    """Whoever serves answers, at this path or in this role."""
    given = os.environ.get
    names = [name.strip() for name in given("ALLOWED_HOSTS", "").split(",")]
    headers = {"Host": next((name for name in names if name and name[0] not in "*."), "localhost")}
    host, port, path = "127.0.0.1", given("PORT", "8000"), what
    if what == "telegram":
        host, port, path = given("BOT_HOST", host), given("BOT_PORT", "8082"), "/health"
        headers["Authorization"] = f"Bearer {given('BOT_SECRET', '')}"
    elif what == "flower":
        port, path = given("FLOWER_PORT", "5555"), "/healthcheck"
    connection = http.client.HTTPConnection(host, int(port), timeout=4)
    try:
        connection.request("GET", path, headers=headers)
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
