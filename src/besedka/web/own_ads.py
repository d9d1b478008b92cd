"""The pages on which authors publish ads, change them and take them away. They work without a script too."""

import functools
import json
import re
import secrets
from collections.abc import Callable, Mapping

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from besedka import pictures
from besedka.accounts import roles
from besedka.ads import access, changes, images
from besedka.ads.models import Ad
from besedka.problems import BodyTooLarge, ChangedMeanwhile, MethodNotAllowed, NotFound, Unavailable
from besedka.web import ad_form, ads, languages, pages
from besedka.web.ad_form import Field, Filled, UpToLimit
from besedka.web.problems import READING, read_only, refuse

AT_ONCE = 20  # ads of a page
MAX_BODY = 4 * pictures.MAX_BYTES  # bytes of a form: of one with too large a picture what was typed is still read
_KEY = re.compile(r"[0-9a-f]{32}")
BLANK = dict.fromkeys(changes.WRITTEN, "")


def _form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view of a form, for authors; what is far too large is refused before anything of it is read."""
    signed_in = csrf_protect(login_required(permission_required(roles.AUTHOR, raise_exception=True)(view)))

    @csrf_exempt  # that check would read the body, and does so inside
    @functools.wraps(view)
    def answer(request: HttpRequest, **found: str) -> HttpResponse:
        if request.method not in (*READING, "POST"):
            return refuse(MethodNotAllowed(allowed=[*READING, "POST"]))
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > MAX_BODY:
            return refuse(BodyTooLarge(limit_bytes=MAX_BODY))
        limit = UpToLimit(request)
        request.upload_handlers.insert(0, limit)
        try:
            response: HttpResponse = signed_in(request, limit=limit, **found)
        except Unavailable as problem:  # its picture cannot be stored now
            return refuse(problem)
        add_never_cache_headers(response)  # whoever signs in next on this machine is somebody else
        return response

    return answer


@read_only
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """`/ads/mine/`: the ads of who asks, the newest first."""
    before, own = request.GET.get("before", ""), Ad.objects.filter(created_by=request.user.pk)
    begun = before.isascii() and before.isdecimal() and len(before) <= 18
    found = list((own.filter(pk__lt=int(before)) if begun else own).order_by("-pk")[: AT_ONCE + 1])
    shown, more = found[:AT_ONCE], len(found) > AT_ONCE
    response = pages.show(
        request,
        "ads/mine.html",
        ads=[ads.shown(ad) for ad in shown],
        following=shown[-1].pk if more else None,
        begun=begun,
        said=request.GET.get("said", ""),
    )
    add_never_cache_headers(response)
    return response


@_form
def new(request: HttpRequest, *, limit: UpToLimit) -> HttpResponse:
    """`/ads/new/`: an empty form, and what becomes of it."""
    if request.method != "POST":
        return _show(request, None, _plain(BLANK))
    filled = ad_form.read(request, languages.of_page(request), limit=limit)
    author_id, form = int(request.user.pk or 0), _key(request)
    complete = len(filled.values) == len(changes.WRITTEN)
    if complete and (twice := changes.published(filled.values, author_id=author_id, form=form)):
        return _onward(f"/ads/{twice.pk}/?said=published")
    if filled.faults:
        return _show(request, None, _plain(filled.typed, filled.faults), filled=filled, status=400)
    picture = filled.picture if isinstance(filled.picture, images.Encoded) else None
    if form and not changes.free(form, author_id=author_id):
        form = None  # somebody went back to a form that was sent, and says something else now
    ad = changes.publish(filled.values, author_id=author_id, now=timezone.now(), picture=picture, form=form)
    ad_form.done(filled)
    return _onward(f"/ads/{ad.pk}/?said=published")


@_form
def edit(request: HttpRequest, *, ad_id: str, limit: UpToLimit) -> HttpResponse:
    """`/ads/{id}/edit/`: the ad in a form. What somebody else changed meanwhile is shown, nothing is lost."""
    ad = _own(request, ad_id)
    if request.method != "POST":
        if ad is None:
            raise Http404
        return _show(request, ad, _plain(ad_form.of_ad(ad)))
    filled = ad_form.read(request, languages.of_page(request), limit=limit)
    if ad is None:
        return _gone(request, filled)
    if filled.faults:
        seen = _version(request), request.POST.get("seen", "")
        return _show(request, ad, _plain(filled.typed, filled.faults), filled=filled, status=400, seen=seen)
    etag = f'"{ad.pk}-{_version(request)}"'
    try:
        changes.change(ad.pk, filled.values, now=timezone.now(), picture=filled.picture, etags=[etag])
    except NotFound:
        return _gone(request, filled)
    except ChangedMeanwhile:
        ad = _own(request, ad_id)
        if ad is None:
            return _gone(request, filled)
        fields = ad_form.joined(filled.typed, ad_form.remembered(request.POST.get("seen", "")), ad_form.of_ad(ad))
        return _show(request, ad, fields, filled=filled, status=409, note="changed")
    ad_form.done(filled)
    return _onward(f"/ads/{ad.pk}/?said=changed")


@_form
def delete(request: HttpRequest, *, ad_id: str, limit: UpToLimit) -> HttpResponse:
    """`/ads/{id}/delete/`: asks, then takes the ad away; an ad that has changed since is asked about again."""
    ad = _own(request, ad_id)
    if ad is None:
        raise Http404
    status, note = 200, ""
    if request.method == "POST":
        try:
            changes.withdraw(ad.pk, etags=[f'"{ad.pk}-{_version(request)}"'])
        except NotFound:
            raise Http404 from None
        except ChangedMeanwhile:
            ad, status, note = _own(request, ad_id), 409, "changed"
            if ad is None:
                raise Http404 from None
        else:
            return _onward("/ads/mine/?said=withdrawn")
    return pages.show(request, "ads/delete.html", status=status, ad=ad, shown=ads.shown(ad), note=note)


def _own(request: HttpRequest, ad_id: str) -> Ad | None:
    """The ad, if who asks may change it; None where there is none."""
    ad = Ad.objects.filter(pk=int(ad_id)).first()
    if ad is not None and not access.may_change(request.user, ad.created_by_id):
        raise PermissionDenied
    return ad


def _key(request: HttpRequest) -> str | None:
    """The one-time key of the form that was sent; None where it is none of ours."""
    given = request.POST.get("key", "")
    return given if _KEY.fullmatch(given) else None


def _version(request: HttpRequest) -> int:
    """Of the ad that was in the form when it was opened; one that never was for anything else."""
    given = request.POST.get("version", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


def _plain(typed: Mapping[str, str], faults: Mapping[str, list[str]] | None = None) -> dict[str, Field]:
    return {name: Field(typed[name], (faults or {}).get(name, [])) for name in changes.WRITTEN}


def _gone(request: HttpRequest, filled: Filled) -> HttpResponse:
    """What was typed about an ad that somebody took away; it can be published anew."""
    return _show(request, None, _plain(filled.typed, filled.faults), filled=filled, status=409, note="gone")


def _show(
    request: HttpRequest,
    ad: Ad | None,
    fields: Mapping[str, Field],
    *,
    filled: Filled | None = None,
    status: int = 200,
    note: str = "",
    seen: tuple[int, str] | None = None,
) -> HttpResponse:
    """The form. `seen` is what its sender saw, where that is not the ad as it is now."""
    version, before = seen or ((ad.version, json.dumps(ad_form.of_ad(ad), ensure_ascii=False)) if ad else (0, ""))
    return pages.show(
        request,
        "ads/form.html",
        status=status,
        ad=ad,
        shown=ads.shown(ad) if ad else None,
        fields=fields,
        bad_picture=filled.faults.get("image", []) if filled else [],
        waiting=ad_form.set_aside(filled, request.user.pk) if filled else None,
        without=filled is not None and filled.picture is None,
        version=version,
        seen=before,
        key=_key(request) or secrets.token_hex(16),
        note=note,
        faulty=bool(filled and filled.faults),
    )


def _onward(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
