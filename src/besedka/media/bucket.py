"""People's files on S3: bounded waits, and refusals that can be told. None of its client's exceptions passes."""

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

from besedka.problems import Unavailable

logger = logging.getLogger(__name__)

CONNECT_S, ANSWER_S = 2, 4  # until a server that says nothing is away
TRIES = 2  # of one request
WHOLE_S = 20  # for the bytes of one file, however they drip
PIECE = 64 * 1024
IN_ONE_REQUEST = 64 * 1024 * 1024  # bytes: more than any file of ours, so that each is stored at once or not
PAUSE_S = 3.0  # while S3 is away: until somebody tries again, and everybody else is told at once
PROBED_S = 10.0  # that long what S3 said to a probe is good
PROBE = "probe"  # what a probe is called, beside the folders of files
MISSING = ("NoSuchKey", "404")  # and not NoSuchBucket: that says nothing about a file


class Bucket(S3Storage):  # type: ignore[misc]  # it has no types
    """A private bucket. A file of it is there whole and to stay, or not at all."""

    def __init__(self, **options: Any) -> None:
        """Options as S3Storage has them."""
        elsewhere = bool(options.get("endpoint_url"))
        # Others' servers do not know all kinds of checksums that Amazon's does.
        checksums: Literal["when_required", "when_supported"] = "when_required" if elsewhere else "when_supported"
        options["client_config"] = Config(
            s3={"addressing_style": "path" if elsewhere else "virtual"},
            signature_version="s3v4",
            connect_timeout=CONNECT_S,
            read_timeout=ANSWER_S,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            max_pool_connections=32,
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            proxies={},  # as everything that leaves this house: not where the environment says
        )
        options["transfer_config"] = TransferConfig(multipart_threshold=IN_ONE_REQUEST, use_threads=False)
        super().__init__(**options)
        self._lock = threading.Lock()
        self._word = ""
        self._shut_until = 0.0
        self._probing: threading.Thread | None = None
        self._probed_at = float("-inf")

    def _save(self, name: str, content: "File[bytes]") -> str:
        with self._asking(name):
            return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        """The whole file, here: who reads it slowly holds no connection, and a broken one is known before."""
        until = time.monotonic() + WHOLE_S
        taken = tempfile.TemporaryFile()  # noqa: SIM115 - whoever opens it closes it; no name, so no crash leaves it
        try:
            with self._asking(name):
                got = self._client.get_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
                with contextlib.closing(got["Body"]) as body:
                    for piece in body.iter_chunks(PIECE):
                        taken.write(piece)
                        if time.monotonic() > until:
                            raise Unavailable("The store of files is too slow.")
            taken.seek(0)
            written_at = got["LastModified"].timestamp()
            os.utime(taken.fileno(), (written_at, written_at))  # HTTP tells it
        except BaseException:
            taken.close()
            raise
        return File(taken, name)

    def delete(self, name: str) -> None:
        """The file is gone, whether it was there or not. Raises `Unavailable`."""
        with contextlib.suppress(FileNotFoundError), self._asking(name):
            self._client.delete_object(Bucket=self.bucket_name, Key=self._normalize_name(name))

    def exists(self, name: str) -> bool:
        """Whether there is such a file. Raises `Unavailable`."""
        with self._asking(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        """Its bytes. Raises `FileNotFoundError`, `Unavailable`."""
        with self._asking(name):
            return int(super().size(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The folders and the files in this one. Raises `Unavailable`."""
        with self._asking(path):
            folders, files = super().listdir(path)
            return folders, files

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name: ours are never used twice."""
        return name

    def stored(self, prefix: str) -> Iterator[tuple[str, float]]:
        """The names in this folder, and the second since 1970 in which each was written. Raises `Unavailable`."""
        start = self._normalize_name(f"{prefix}/").rstrip("/") + "/"
        above = len(start) - len(prefix) - 1
        token: dict[str, str] = {}
        while True:
            with self._asking(prefix):
                page = self._client.list_objects_v2(Bucket=self.bucket_name, Prefix=start, **token)
            for found in page.get("Contents", ()):
                yield found["Key"][above:], found["LastModified"].timestamp()
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def state(self, patience_s: float) -> str:
        """`ok`, `away` or `refused`, as of some seconds ago.

        It is asked in a thread of its own: one that hangs must not hold up who wants to know.
        """
        with self._lock:
            idle = self._probing is None or not self._probing.is_alive()
            if idle and time.monotonic() - self._probed_at >= PROBED_S:
                self._probing = threading.Thread(target=self._probe, name="probe of S3", daemon=True)
                self._probing.start()
            probing = self._probing
        if probing is not None:
            probing.join(patience_s)
            if probing.is_alive():
                return "away"
        return self._word

    def _probe(self) -> None:
        with contextlib.suppress(Unavailable), self._asking(PROBE):
            key = self._normalize_name(f"{PROBE}-{os.getpid()}")
            self._client.put_object(Bucket=self.bucket_name, Key=key, Body=b"")
            self._client.delete_object(Bucket=self.bucket_name, Key=key)
        self._probed_at = time.monotonic()

    @property
    def _client(self) -> Any:
        """One for all threads, as such clients may be."""
        return self.bucket.meta.client

    @contextlib.contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """One request; its refusals are `FileNotFoundError` and `Unavailable`.

        While S3 is away one in some seconds tries, and all others hear of it at once: no thread waits in vain.
        """
        self._enter()
        try:
            yield
        except Unavailable:  # it drips
            self._heard("away", "the bytes of a file did not come in time")
            raise
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if error.response["Error"]["Code"] in MISSING:
                self._heard("ok")
                raise FileNotFoundError(name) from None
            self._heard("away" if status >= 500 else "refused", str(error))
            raise Unavailable("The store of files refuses us.") from None
        except BotoCoreError as error:
            self._heard("away", str(error))
            raise Unavailable("The store of files does not answer.") from None
        self._heard("ok")

    def _enter(self) -> None:
        with self._lock:
            if self._word != "away":
                return
            now = time.monotonic()
            if now < self._shut_until:
                raise Unavailable("The store of files does not answer.", retry_after=round(PAUSE_S))
            self._shut_until = now + PAUSE_S  # this one tries

    def _heard(self, word: str, why: str = "") -> None:
        with self._lock:
            if word != self._word and (self._word or word != "ok"):
                logger.log(logging.INFO if word == "ok" else logging.ERROR, "files on S3: %s %s", word, why)
            self._word = word
            if word == "away":
                self._shut_until = time.monotonic() + PAUSE_S
