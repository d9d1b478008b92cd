"""A file in a request and in a response: text as it is."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from besedka.bots import yamls
from besedka.problems import BodyTooLarge


class Text(BaseParser):
    """A file in UTF-8, whatever it is called: JSON is YAML, too."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """The text, under `text`. Raises `BodyTooLarge`, `ParseError`."""
        body = stream.read(yamls.MAX_BYTES + 1)
        if len(body) > yamls.MAX_BYTES:
            raise BodyTooLarge(limit_bytes=yamls.MAX_BYTES)
        try:
            return {"text": body.decode("utf-8-sig")}
        except UnicodeDecodeError:
            raise ParseError("The file is not UTF-8.") from None


class AsItIs(BaseRenderer):
    """A file; a refusal is JSON."""

    media_type = "application/yaml"
    format = "yaml"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The text, or the refusal."""
        return data if isinstance(data, str) else msgspec.json.encode(data)
