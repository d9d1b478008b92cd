"""A contact's data in the admin: how much there is, and two buttons that export and erase it."""

import contextlib
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action

from besedka.conversations import erasure, export, often
from besedka.conversations.export import Held
from besedka.conversations.models import Contact
from besedka.problems import NotFound, Problem, Unavailable

EXPORT, ERASE = "conversations.export_contact", "conversations.erase_contact"
WAITED_S = 2  # that whoever erases a contact waits for the end; what takes longer goes on behind their back

_NAMES = {
    "conversations": _("conversations"),
    "messages": _("messages"),
    "files": _("files"),
    "deliveries": _("deliveries"),
    "turns": _("turns"),
    "episodes": _("episodes"),
    "cursors": _("cursors"),
    "notes": _("notes"),
    "invitations": _("invitations"),
    "executions": _("executions"),
    "calls": _("calls"),
}


class DataPages:
    """For the admin of contacts: the page with the counts, and what its buttons do."""

    admin_site: Any
    actions_detail = ("to_data",)

    @action(description=_("Data: export or erase"), url_path="to-data")  # type: ignore[untyped-decorator]  # unfold
    def to_data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:conversations_contact_data", args=[_number(object_id)]))

    def get_urls(self) -> list[URLPattern]:
        """The page and its two buttons beside the contact."""
        view = self.admin_site.admin_view
        own = [
            path("<int:contact_id>/data/", view(self.data), name="conversations_contact_data"),
            path(
                "<int:contact_id>/data/export/",
                view(require_POST(self.export)),
                name="conversations_contact_export",
            ),
            path(
                "<int:contact_id>/data/erase/", view(require_POST(self.erase)), name="conversations_contact_erase"
            ),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the admin that this is mixed into

    def data(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """How much is known of the contact, and what may be done about it."""
        if not (request.user.has_perm(EXPORT) or request.user.has_perm(ERASE)):
            raise PermissionDenied
        held = _held(contact_id)
        contact = Contact.objects.get(pk=contact_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Data of %(contact)s") % {"contact": contact},
            "contact": contact,
            "counts": [(_NAMES.get(name, name), count) for name, count in held.counts.items()],
            "may_export": request.user.has_perm(EXPORT),
            "may_erase": request.user.has_perm(ERASE) and contact.erased_at is None,
        }
        return render(request, "conversations/contact_data.html", context)

    def export(self, request: HttpRequest, contact_id: int) -> Any:
        """The archive, on record before its first byte."""
        if not request.user.has_perm(EXPORT):
            raise PermissionDenied
        _held(contact_id)
        try:
            held = export.record(contact_id, actor_id=int(request.user.pk or 0))
        except Problem as problem:
            return self._refused(request, contact_id, problem)
        response = StreamingHttpResponse(export.archive(held), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="contact-{contact_id}.zip"'
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def erase(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """The contact is behind the fence, and mostly gone when the page comes back."""
        if not request.user.has_perm(ERASE):
            raise PermissionDenied
        _held(contact_id)
        if request.POST.get("number", "").strip() != str(contact_id):
            messages.error(request, _("Nothing was erased: the number that you wrote is another one."))
            return self._back(contact_id)
        try:
            [begun] = erasure.begin_many([contact_id], actor_id=int(request.user.pk or 0))
        except Problem as problem:
            return self._refused(request, contact_id, problem)
        if isinstance(begun, NotFound):
            raise Http404
        done = False
        with contextlib.suppress(Unavailable):  # of what is left, files: their store is away
            done = erasure.finish(within_s=WAITED_S)
        if done:
            messages.success(request, _("The data is erased."))
        else:
            messages.success(request, _("Nobody reaches the data any more. It is being removed; that goes on."))
        return self._back(contact_id)

    def _refused(self, request: HttpRequest, contact_id: int, problem: Problem) -> HttpResponse:
        """Back to the page, with the reason; in an hour it is another matter."""
        if isinstance(problem, often.AskedTooOften):
            told = _("At most %(limit)d in an hour. Come again in %(minutes)d minutes.")
            minutes = round(problem.details["retry_after"] / 60) + 1
            messages.error(request, told % {"limit": problem.details["limit"], "minutes": minutes})
        else:
            messages.error(request, problem.detail)
        return self._back(contact_id)

    def _back(self, contact_id: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:conversations_contact_data", args=[contact_id]))


def _number(object_id: str) -> int:
    if not (object_id.isascii() and object_id.isdigit() and len(object_id) <= 18):
        raise Http404
    return int(object_id)


def _held(contact_id: int) -> Held:
    """What there is. An unknown number, or one that no database has, is not found."""
    if contact_id >= 2**63:
        raise Http404
    try:
        return export.look(contact_id)
    except NotFound:
        raise Http404 from None
