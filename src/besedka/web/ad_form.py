"""The form of an ad as a browser sends it: what was typed, which picture was picked, and what was seen before."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from besedka import pictures
from besedka.ads import images, models
from besedka.ads.changes import KEEP, WRITTEN, Picture
from besedka.ads.images import Encoded
from besedka.ads.models import Ad
from besedka.pictures import ImageInvalid

SET_ASIDE_S = 80_000  # a picture waits for its form that long; after a day it is swept
_SALT = "besedka.web.ads.picture"


class _Text(forms.CharField):
    def to_python(self, value: Any) -> str | None:
        """The text with the line breaks that we keep; a browser sends others."""
        return super().to_python(None if value is None else str(value).replace("\r\n", "\n"))


class _Whole(forms.IntegerField):
    def to_python(self, value: Any) -> int | None:
        """The number, also where somebody typed `16 000`."""
        return super().to_python("".join(str(value).split()) if value is not None else None)


class AdForm(forms.Form):
    """What an author says in an ad."""

    title = _Text(max_length=models.MAX_TITLE)
    description = _Text(max_length=models.MAX_DESCRIPTION)
    kind = forms.ChoiceField(choices=Ad.Kind.choices)
    breed = _Text(max_length=models.MAX_BREED)
    age = _Whole(min_value=0, max_value=models.MAX_AGE)
    gender = forms.ChoiceField(choices=Ad.Gender.choices)
    location = _Text(max_length=models.MAX_LOCATION)
    price = _Whole(min_value=0, max_value=models.MAX_PRICE)


class SetAside(NamedTuple):
    """A picture that came with a form which has to be sent again; `token` brings it back, once it is right."""

    token: str
    name: str


class Filled(NamedTuple):
    """A form that somebody sent; without `faults`, sentences by field, `image` among them, it can be used."""

    typed: dict[str, str]
    values: dict[str, Any]
    faults: dict[str, list[str]]
    picture: Picture
    aside: SetAside | None  # where the picture has been waiting, if it came with an earlier form


class Field(NamedTuple):
    """One field as it is shown: what stands in it, what is wrong, and what somebody else has written meanwhile."""

    value: str
    faults: list[str]
    theirs: str | None = None  # differs from what was typed here: somebody has to choose
    was: str | None = None  # what stood here before they changed it, untouched by who sent the form


class UpToLimit(FileUploadHandler):
    """Before all other handlers: what is larger than a picture may be is not kept, and the form is read on."""

    too_large = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """The same for the next handler, up to the limit."""
        if start + len(raw_data) > pictures.MAX_BYTES:
            self.too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Another handler has the file."""


def read(request: HttpRequest, language: str, *, limit: UpToLimit) -> Filled:
    """What was sent, with its faults in this language; a picture is written anew already."""
    with translation.override(language):
        form = AdForm(request.POST)
        form.is_valid()
        faults = {name: [str(sentence) for sentence in said] for name, said in form.errors.items()}
        typed = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in WRITTEN}
        file, aside = request.FILES.get("image"), None
        picture: Picture = KEEP
        if isinstance(file, UploadedFile):
            try:
                picture = images.from_file(file.read(), name=file.name or "")
            except ImageInvalid:
                faults["image"] = [
                    _("This picture cannot be read: take JPEG, PNG, WebP, or a GIF without movement.")
                ]
        elif limit.too_large:
            faults["image"] = [_("The picture is larger than 10 MB.")]
        elif "no_picture" in request.POST:
            picture = None
        token = request.POST.get("picture", "")
        if picture == KEEP and token:
            picture, aside = _brought_back(token, request.user.pk)
            if aside is None:
                faults.setdefault("image", [_("The picture has been waiting for too long: pick it again.")])
    return Filled(typed, form.cleaned_data, faults, picture, aside)


def set_aside(filled: Filled, user_id: int | None) -> SetAside | None:
    """The picture of a form that comes back to be mended, so that nobody has to pick it again."""
    if filled.aside is not None or not isinstance(filled.picture, Encoded):
        return filled.aside
    name = images.keep(filled.picture)
    inside = [user_id, name, filled.picture.width, filled.picture.height]
    return SetAside(signing.dumps(inside, salt=_SALT), name)


def done(filled: Filled) -> None:
    """The ad has its picture: the one that was set aside is not needed any more."""
    if filled.aside is not None:
        images.forget(filled.aside.name)


def of_ad(ad: Ad) -> dict[str, str]:
    """What the fields say of this ad."""
    return {name: str(getattr(ad, name)) for name in WRITTEN}


def remembered(text: str) -> dict[str, str]:
    """What stood in the form when it was opened, from its hidden field; empty if that cannot be read."""
    try:
        seen = json.loads(text)
        json.dumps(seen, ensure_ascii=False).encode()  # half a character cannot be shown
    except (ValueError, RecursionError):
        return {}
    fits = isinstance(seen, dict) and all(isinstance(seen.get(name), str) for name in WRITTEN)
    return {name: seen[name] for name in WRITTEN} if fits else {}


def joined(typed: Mapping[str, str], seen: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Field]:
    """Two people's changes in one form: what only one of them touched is as they want it.

    Where both have, what was typed here stays in the field, and what the other one wrote is told beside it.
    """
    fields = {}
    for name in WRITTEN:
        mine, theirs, before = typed[name], now[name], seen.get(name)
        if mine == theirs or theirs == before:
            fields[name] = Field(mine, [])
        elif mine == before:
            fields[name] = Field(theirs, [], was=before)
        else:
            fields[name] = Field(mine, [], theirs=theirs)
    return fields


def _brought_back(token: str, user_id: int | None) -> tuple[Picture, SetAside | None]:
    try:
        whose, name, width, height = signing.loads(token, salt=_SALT, max_age=SET_ASIDE_S)
    except signing.BadSignature:
        return KEEP, None
    picture = images.read_back(name, width, height) if whose == user_id else None
    return (picture, SetAside(token, name)) if picture else (KEEP, None)
