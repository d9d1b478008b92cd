"""Addresses of the pages, each with and without its trailing slash."""

from django.templatetags.static import static
from django.urls import path, re_path
from django.views.generic import RedirectView

from besedka.web import (
    ads,
    desk,
    health,
    legacy_mirror,
    legacy_rooms,
    own_ads,
    pages,
    registering,
    roots,
    second_factors,
    signing_in,
)

urlpatterns = [
    path("", pages.home, name="home"),
    re_path(r"^demo/?$", pages.demo, name="demo"),
    re_path(r"^desk/?$", desk.desk, name="desk"),
    re_path(r"^ads/?$", ads.listed, name="ads-page"),
    re_path(r"^ads/mine/?$", own_ads.mine, name="my-ads"),
    re_path(r"^ads/new/?$", own_ads.new, name="new-ad"),
    re_path(r"^ads/(?P<ad_id>[0-9]{1,18})/?$", ads.one, name="ad-page"),
    re_path(r"^ads/(?P<ad_id>[0-9]{1,18})/edit/?$", own_ads.edit, name="edit-ad"),
    re_path(r"^ads/(?P<ad_id>[0-9]{1,18})/delete/?$", own_ads.delete, name="delete-ad"),
    re_path(r"^media/ads/(?P<file>[0-9a-f]{32}(-small)?\.webp)$", ads.picture, name="ad-picture"),
    re_path(r"^auth/register/?$", registering.Register.as_view(), name="register"),
    re_path(r"^auth/login/?$", signing_in.SignIn.as_view(), name="sign-in"),
    re_path(r"^auth/login/code/?$", signing_in.code_page, name="sign-in-code"),
    re_path(r"^auth/logout/?$", signing_in.SignOut.as_view(), name="sign-out"),
    re_path(r"^auth/second-factor/?$", second_factors.second_factor_page, name="second-factor"),
    path("favicon.ico", RedirectView.as_view(url=static("site/mark.svg"))),
    path("widget.js", pages.widget, name="widget"),
    re_path(r"^api/root/?$", roots.BuilderRoot.as_view(), name="builder-root"),
    re_path(r"^api/ws_token/?$", legacy_rooms.NewTicket.as_view(), name="ws-token"),
    re_path(r"^api/v1/support_chat/?$", legacy_rooms.OwnRoom.as_view(), name="support-chat"),
    re_path(r"^api/v1/chats_list/?$", legacy_rooms.AllRooms.as_view(), name="chats-list"),
    re_path(r"^token/?$", legacy_mirror.Token.as_view(), name="mirror-token"),
    re_path(r"^message/?$", legacy_mirror.Messages.as_view(), name="mirror-messages"),
    re_path(r"^message/(?P<message_id>[0-9]{1,18})/?$", legacy_mirror.OneMessage.as_view(), name="mirror-message"),
    re_path(r"^api/?$", roots.ApiRoot.as_view(), name="apis"),
    re_path(r"^api/v1/?$", roots.VersionRoot.as_view(), name="api-root"),
    re_path(r"^api/v1/desk/?$", roots.DeskRoot.as_view(), name="desk-root"),
    re_path(r"^health/?$", health.alive, name="alive"),
    re_path(r"^health/ready/?$", health.ready, name="ready"),
]
