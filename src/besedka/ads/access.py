"""Who may change which ad, and how large a request about one may be."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.views import APIView

from besedka import pictures
from besedka.accounts import roles
from besedka.ads import images
from besedka.ads.models import Ad
from besedka.problems import BodyTooLarge, NotFound

AROUND = 256 * 1024  # bytes of a request that are not its picture


class AboutAds(APIView):
    """Everybody reads, authors write, a picture fits in."""

    permission_classes = [roles.EverybodyReadsAuthorsWrite]
    max_body_bytes = images.MAX_BASE64 + AROUND  # the parser of JSON asks for it

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large before anything of it is read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        form = str(request.content_type).startswith(MultiPartParser.media_type)
        limit = pictures.MAX_BYTES + AROUND if form else self.max_body_bytes
        if length.isdecimal() and int(length) > limit:
            raise BodyTooLarge(limit_bytes=limit)
        super().initial(request, *args, **kwargs)


def may_change(user: Any, author_id: int) -> bool:
    """Whether this person may change and withdraw an ad of this author: its author and who moderates may."""
    return bool(user.has_perm(roles.AUTHOR if user.pk == author_id else roles.MODERATE))


def check_may_change(request: Request, ad_id: int) -> None:
    """Raises `NotFound` where there is no such ad, `PermissionDenied` for who is neither its author nor staff."""
    author_id = Ad.objects.filter(pk=ad_id).values_list("created_by", flat=True).first()
    if author_id is None:
        raise NotFound
    if not may_change(request.user, author_id):
        raise PermissionDenied
