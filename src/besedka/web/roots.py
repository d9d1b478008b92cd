"""The roots of the APIs: what there is and where, as a page for people and as JSON for programs."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.web import languages, pages
from besedka.web.problems import wants_page
from besedka.web.security import POLICY


@dataclass(frozen=True)
class Address:
    """One address: its name in JSON, its methods, and what it is for, in both languages."""

    name: str
    path: str
    methods: str
    ru: str
    en: str
    opens: bool = False  # in a browser, by a click

    def shown(self, language: str) -> dict[str, Any]:
        """What the page says of it."""
        words = self.ru if language == "ru" else self.en
        return {"path": self.path, "methods": self.methods.split(), "words": words, "opens": self.opens}


_SCHEMA = Address("schema", "/api/schema/", "GET", "описание в OpenAPI 3", "the description in OpenAPI 3", True)
_DOCUMENTATION = Address(
    "documentation", "/swagger/", "GET", "то же, чтобы пробовать", "the same, to try it", True
)
_TOKEN = Address("token", "/api/token/", "POST", "JWT по имени и паролю", "a JWT for a name and a password")

API = (
    Address("v1", "/api/v1/", "GET", "чат, объявления, знания", "chat, ads, knowledge", True),
    Address("bots", "/api/root/", "GET", "боты и их сценарии", "bots and their scenarios", True),
    Address("desk", "/api/v1/desk/", "GET", "рабочее место операторов", "the operators' desk", True),
    _TOKEN,
    Address("refresh", "/api/token/refresh/", "POST", "новый JWT вместо старого", "a new JWT for an old one"),
    Address("end", "/api/token/blacklist/", "POST", "выйти: JWT больше не действует", "sign out: end a JWT"),
    Address("register", "/auth/register/", "GET POST", "завести учётную запись", "make an account", True),
    Address("mirror_token", "/token/", "GET POST DELETE", "токен для Telegram", "a token for Telegram"),
    Address("mirror", "/message/", "GET POST", "сообщения с копией в Telegram", "messages copied into Telegram"),
    _SCHEMA,
    _DOCUMENTATION,
)
V1 = (
    Address("gpt", "/api/v1/gpt", "POST", "вопрос с сайта (старый чат)", "a question from a site (the old chat)"),
    Address("message", "/api/v1/message", "GET", "ответы, каждый один раз", "answers, each of them once"),
    Address("conversation", "/api/v1/conversation", "GET", "как идёт разговор", "how the conversation stands"),
    Address("messages", "/api/v1/conversation/messages", "GET POST", "читать и писать", "read and write"),
    Address("files", "/api/v1/conversation/files", "POST", "приложить файл", "attach a file"),
    Address("stream", "/api/v1/conversation/stream", "GET", "новое по мере появления", "news as it comes (SSE)"),
    Address("handoff", "/api/v1/conversation/handoff", "POST", "позвать человека", "ask for a person"),
    Address("widget", "/api/v1/widget", "GET", "как выглядит чат на сайте", "how the chat on a site looks"),
    Address("sources", "/api/v1/sources", "GET POST", "знания, из которых отвечает бот", "what bots answer from"),
    Address("ads", "/api/v1/ads", "GET POST", "объявления", "ads", True),
    Address("ticket", "/api/ws_token/", "GET", "билет для WebSocket", "a ticket for a WebSocket"),
    Address("support", "/api/v1/support_chat", "GET", "своя комната поддержки", "one's own support room"),
    Address("telegram", "/api/v1/telegram/link", "GET POST DELETE", "привязать Telegram", "link one's Telegram"),
    Address("execute", "/api/v1/execute", "GET POST PATCH DELETE", "объявления (старый вид)", "ads (the old way)"),
    Address("desk", "/api/v1/desk/", "GET", "рабочее место операторов", "the operators' desk", True),
    _SCHEMA,
)
BUILDER = (
    Address("bots", "/api/bots/", "GET POST", "боты", "bots", True),
    Address("scenarios", "/api/scenarios/", "GET POST", "сценарии ботов", "the bots' scenarios", True),
    Address("steps", "/api/steps/", "GET POST", "шаги сценариев", "the scenarios' steps", True),
    Address("executions", "/api/executions/", "GET POST", "кто где идёт по сценарию", "who walks where", True),
    _TOKEN,
    _SCHEMA,
    _DOCUMENTATION,
)
DESK = (
    Address(
        "conversations", "/api/v1/desk/conversations", "GET", "разговоры списками", "conversations, in lists", True
    ),
    Address("search", "/api/v1/desk/search", "GET", "поиск по всей истории", "search in the whole history", True),
    Address("files", "/api/v1/desk/files", "POST", "приложить файл", "attach a file"),
    _SCHEMA,
)
TITLES = {
    "api": (
        "API Беседки",
        "Besedka's API",
        "Всё, о чём можно попросить программой.",
        "All that programs may ask.",
    ),
    "v1": (
        "API версии 1",
        "API, version 1",
        "Посетитель называет себя заголовком chat-token: от 8 до 100 знаков, которые придумала его страница.",
        "A visitor is known by the header chat-token: 8 to 100 characters that their page made up.",
    ),
    "builder": (
        "API конструктора ботов",
        "The bot builder's API",
        "Войдите по HTTP Basic, по JWT или как в админке. Разговор с ботом: POST /api/bots/{id}/chat/.",
        "Sign in by HTTP Basic, by JWT or as in the admin. To talk to a bot: POST /api/bots/{id}/chat/.",
    ),
    "desk": (
        "API рабочего места",
        "The desk's API",
        "Для операторов, которых включил администратор. Живые события приходят по WebSocket /ws/desk.",
        "For operators whom an administrator has enabled. What happens comes over the WebSocket /ws/desk.",
    ),
}


class _AlwaysJson(BaseContentNegotiation):
    """A list of addresses is JSON whatever else was wished for: RFC 9110 §12.5.1 lets us pass over `Accept`."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class _Root(APIView):
    authentication_classes = ()  # who asks does not matter: the list is the same for everybody
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = _AlwaysJson
    title: str
    addresses: tuple[Address, ...]

    def answer(self, request: Request) -> HttpResponseBase:
        """The list, for whoever asks."""
        asked = request._request
        response: HttpResponseBase
        if wants_page(asked):
            language = languages.of_page(asked)
            ru, en, lead_ru, lead_en = TITLES[self.title]
            title, lead = (ru, lead_ru) if language == "ru" else (en, lead_en)
            response = pages.show(
                asked,
                "web/root.html",
                title=title,
                lead=lead,
                here=asked.build_absolute_uri(asked.path),
                addresses=[address.shown(language) for address in self.addresses],
                inbox_key=None,  # programmers look for something else here
            )
            response.headers["Content-Security-Policy"] = POLICY
        else:
            response = Response({one.name: asked.build_absolute_uri(one.path) for one in self.addresses})
        patch_vary_headers(response, ["Accept"])
        return response


class ApiRoot(_Root):
    """`/api/`: the roots of all our APIs."""

    title, addresses = "api", API

    @extend_schema(responses={200: dict[str, str]}, operation_id="api", summary="All our APIs")
    def get(self, request: Request) -> HttpResponseBase:
        """The addresses of the APIs, and the description of all of them."""
        return self.answer(request)


class VersionRoot(_Root):
    """`/api/v1/`: what can be asked here. Visitors' calls carry the header `chat-token`."""

    title, addresses = "v1", V1

    @extend_schema(responses={200: dict[str, str]}, operation_id="api_root", summary="What can be asked")
    def get(self, request: Request) -> HttpResponseBase:
        """The addresses below this one, and the description of all of them."""
        return self.answer(request)


class BuilderRoot(_Root):
    """`/api/root/`: bots, scenarios, steps and executions. Sign in with Basic, a session or a token."""

    title, addresses = "builder", BUILDER

    @extend_schema(responses={200: dict[str, str]}, operation_id="builder_root", summary="What bots are made of")
    def get(self, request: Request) -> HttpResponseBase:
        """The addresses of the bot builder, and the description of all of them."""
        return self.answer(request)


class DeskRoot(_Root):
    """`/api/v1/desk/`: what operators' programs can ask."""

    title, addresses = "desk", DESK

    @extend_schema(responses={200: dict[str, str]}, operation_id="desk_root", summary="What operators can ask")
    def get(self, request: Request) -> HttpResponseBase:
        """The addresses of the desk, and the description of all of them."""
        return self.answer(request)
