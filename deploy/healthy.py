"""Ends with 0 where the server of this machine or container says that it is well: `healthy.py [/health/ready/]`.

It asks by a name that the server answers to, and loads nothing of the product: it is run every few seconds.
"""

import http.client
import os
import sys


def main(path: str = "/health/") -> int:
    """Ask once; the exit code."""
    names = [name.strip() for name in os.environ.get("ALLOWED_HOSTS", "").split(",")]
    host = next((name for name in names if name and name[0] not in "*."), "localhost")
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", path, headers={"Host": host})
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
