"""Django's addresses. The visitors' own are in `besedka.door.app`, which is asked first."""

from django.contrib import admin
from django.urls import include, path, re_path

from besedka.web import documentation
from besedka.web.signing_in import admin_sign_in

admin.autodiscover()

handler400 = "besedka.web.problems.bad_request"
handler403 = "besedka.web.problems.permission_denied"
handler404 = "besedka.web.problems.page_not_found"
handler500 = "besedka.web.problems.server_error"

urlpatterns = [
    re_path(r"^admin/login/?$", admin_sign_in, name="admin-sign-in"),  # before the admin's own
    path("admin/", admin.site.urls),
    re_path(r"^api/schema/?$", documentation.Schema.as_view(), name="schema"),
    re_path(r"^swagger/?$", documentation.Swagger.as_view(url_name="schema"), name="swagger"),
    path("", include("besedka.accounts.urls")),
    path("", include("besedka.bots.urls")),
    path("", include("besedka.knowledge.urls")),
    path("", include("besedka.desk.urls")),
    path("", include("besedka.ads.urls")),
    path("", include("besedka.telegram.urls")),
    path("", include("besedka.web.urls")),
]
