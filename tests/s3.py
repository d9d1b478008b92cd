"""An S3 server that nobody here wrote, moto, spoken to over real HTTP."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import running

KEY, SECRET = "a-key-of-the-tests", "a-secret-of-the-tests"
REGION = "us-east-1"


@dataclass(frozen=True)
class Server:
    """Where it listens."""

    port: int

    def client(self, port: int | None = None) -> Any:
        """A client of the tests' own."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port or self.port}",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
        )

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"files-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name


def storages(bucket: str, port: int, *, prefix: str = "besedka/media") -> dict[str, Any]:
    """What `STORAGES` is with this bucket of the server that is reached by this port."""
    options = {
        "bucket_name": bucket,
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": REGION,
        "access_key": KEY,
        "secret_key": SECRET,
        "location": prefix,
    }
    return {
        "default": {"BACKEND": "besedka.media.bucket.Bucket", "OPTIONS": options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def environment(bucket: str, port: int) -> dict[str, str]:
    """The same, for a server of ours in a process of its own."""
    return {
        "BESEDKA_S3_BUCKET": bucket,
        "BESEDKA_S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "BESEDKA_S3_KEY": KEY,
        "BESEDKA_S3_SECRET": SECRET,
        "BESEDKA_S3_PREFIX": "besedka/media",
    }


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server that forgets everything when it ends."""
    port = running.free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, env=dict(os.environ))
    try:
        running.wait_for_port(port)
        yield Server(port)
    finally:
        process.terminate()
        process.wait()
