"""How an ad looks on the wire, and how one is read from it."""

from datetime import UTC
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.utils import html

from besedka import pictures
from besedka.ads import changes, images, models
from besedka.ads.models import Ad

MEDIA = "/media/ads/"
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


def shown(ad: Ad, origin: str) -> dict[str, Any]:
    """The ad as everybody sees it; its pictures at addresses of this origin."""
    fields = {name: getattr(ad, name) for name in changes.WRITTEN}
    return {
        "id": ad.pk,
        **fields,
        "image": origin + address(ad) if ad.picture else None,
        "thumbnail": origin + address(ad, small=True) if ad.picture else None,
        "created_by": ad.created_by_id,
        "created_at": ad.created_at.astimezone(UTC).strftime(MOMENT),
        "updated_at": ad.updated_at.astimezone(UTC).strftime(MOMENT),
        "version": ad.version,
    }


def address(ad: Ad, *, small: bool = False) -> str:
    """Where the ad's picture is served, or its thumbnail."""
    return MEDIA + images.file_name(ad.picture, small=small)


def origin(request: Request) -> str:
    """Where the request came to, as the beginning of an address."""
    return f"{request.scheme}://{request.get_host()}"


class Text(serializers.CharField):
    """A text; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        """The text without the blanks around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number; in JSON a text is none, in a form everything is text."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        in_form = html.is_html_input(getattr(self.root, "initial_data", None))
        if isinstance(data, bool | float) or (isinstance(data, str) and not in_form):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "nullable": True, "description": "base64 or a data URL; null: no picture"})
class Picture(serializers.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """A picture: base64 in JSON, a file in a form."""

    def get_value(self, dictionary: Any) -> Any:
        """What was given; a file that nobody chose was not."""
        value = super().get_value(dictionary)
        return empty if html.is_html_input(dictionary) and value in ("", None) else value

    def to_internal_value(self, data: Any) -> images.Encoded:
        """The picture, encoded anew. Raises `ImageInvalid`."""
        if not isinstance(data, UploadedFile):
            return images.from_base64(data)
        if (data.size or 0) > pictures.MAX_BYTES:
            raise pictures.ImageInvalid(f"A picture has at most {pictures.MAX_BYTES} bytes.", field="image")
        return images.from_file(data.read(), name=data.name or "")


class _Written(serializers.Serializer[Any]):
    title = Text(max_length=models.MAX_TITLE)
    description = Text(max_length=models.MAX_DESCRIPTION)
    kind = serializers.ChoiceField(Ad.Kind.choices)
    breed = Text(max_length=models.MAX_BREED)
    age = Whole(min_value=0, max_value=models.MAX_AGE, help_text="in whole years")
    gender = serializers.ChoiceField(Ad.Gender.choices)
    location = Text(max_length=models.MAX_LOCATION)
    price = Whole(min_value=0, max_value=models.MAX_PRICE, help_text="in whole roubles")


@extend_schema_serializer(component_name="AdWritten")
class WrittenSerializer(_Written):
    """What its author says in an ad. What else is in a body is passed over."""

    image = Picture(required=False, allow_null=True)

    def fields_of_ad(self) -> dict[str, Any]:
        """What was said, without the picture."""
        return {name: value for name, value in self.validated_data.items() if name != "image"}


@extend_schema_field(OpenApiTypes.BINARY)
class _UploadedPicture(serializers.FileField):
    """For the description: the picture as a file."""


@extend_schema_serializer(component_name="AdUploaded")
class UploadedSerializer(_Written):
    """An ad in a form, its picture as a file: JPEG, PNG, WebP or GIF, at most 10 MB."""

    image = _UploadedPicture(required=False)


@extend_schema_serializer(component_name="Ad")
class AdSerializer(_Written):
    """An ad."""

    id = serializers.IntegerField()
    image = serializers.URLField(allow_null=True)
    thumbnail = serializers.URLField(allow_null=True)
    created_by = serializers.IntegerField(help_text="id of its author")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField(help_text="grows with each change")


@extend_schema_serializer(component_name="AdPage")
class PageSerializer(serializers.Serializer[Any]):
    """Some ads, and where those after them are."""

    next = serializers.URLField(allow_null=True)
    results = AdSerializer(many=True)


def read(request: Request, *, partial: bool = False) -> WrittenSerializer:
    """What the body says, checked. Raises `ValidationError`, `ImageInvalid`."""
    written = WrittenSerializer(data=request.data, partial=partial)
    written.is_valid(raise_exception=True)
    return written
