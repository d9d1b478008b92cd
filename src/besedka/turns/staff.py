"""Who answers in an inbox: the bot, what it may read, and the model that speaks for it."""

import logging
import time
from collections.abc import Iterable

import msgspec
from django.conf import settings

from besedka import sealed
from besedka.answers import providers
from besedka.answers.answerer import Model
from besedka.bots import placements, scenarios
from besedka.bots.placements import Placed
from besedka.bots.scenarios import Published
from besedka.bots.secrets import secrets_of
from besedka.conversations import inboxes
from besedka.turns.models import BotSource

logger = logging.getLogger(__name__)

STAFF_S = 0.5  # seconds until a bot that was placed, changed or switched off is what it is now
OFFLINE = "offline"
_INSTALLED = ("yandex", "openai")  # whose key in the environment speaks for bots that name no provider


class Staff(msgspec.Struct, frozen=True):
    """Who answers in an inbox, from what, in which language; `bot` is None where none is placed."""

    bot: Placed | None
    source_ids: tuple[int, ...]
    language: str
    model: Model | None  # None: the bot answers offline
    secrets: tuple[str, ...] = ()
    published: Published | None = None  # its scenarios, as they are now
    call_secrets: dict[str, str] = {}  # what its calls may send, by name
    hand_off: str = "unsure"  # when a person is called


_staff: dict[int, tuple[float, Staff]] = {}  # by inbox, with when it was read


def of_inboxes(inbox_ids: Iterable[int]) -> dict[int, Staff]:
    """Who answers in each of these inboxes, at most `STAFF_S` seconds ago."""
    wanted_now = set(inbox_ids)
    now = time.monotonic()
    wanted = {inbox_id for inbox_id in wanted_now if now - _staff.get(inbox_id, (-STAFF_S, None))[0] >= STAFF_S}
    if wanted:
        placed = placements.in_inboxes(wanted)
        manners = inboxes.manners_many(wanted)
        sources = _sources({bot.id for bot in placed.values()})
        call_secrets = secrets_of({bot.id for bot in placed.values() if bot.scenarios_version})
        for inbox_id in wanted:
            bot = placed.get(inbox_id)
            source_ids = sources.get(bot.id, ()) if bot else ()
            model = model_of(bot) if bot else None
            secrets = _secrets(model) if model else ()
            published = scenarios.of_bot(bot.id, bot.scenarios_version) if bot else None
            keys = call_secrets.get(bot.id, {}) if bot else {}
            how = manners[inbox_id]
            member = Staff(bot, source_ids, how.language, model, secrets, published, keys, how.hand_off)
            _staff[inbox_id] = (now, member)
    return {inbox_id: _staff[inbox_id][1] for inbox_id in wanted_now}


def read_by_bots() -> set[tuple[int, ...]]:
    """The sets of sources that the bots which are placed somewhere may read."""
    return set(_sources(placements.placed_ids()).values())


def _sources(bot_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    sources: dict[int, list[int]] = {}
    for bot_id, source_id in BotSource.objects.filter(bot_id__in=bot_ids).values_list("bot_id", "source_id"):
        sources.setdefault(bot_id, []).append(source_id)
    return {bot_id: tuple(sorted(of)) for bot_id, of in sources.items()}


def forget() -> None:
    """Who answers where is read anew for the next turn."""
    _staff.clear()


def load_installed() -> None:
    """Load the libraries of the provider that the installation names: the first visitor need not wait for them."""
    for provider in filter(_is_installed, _INSTALLED):
        providers.named(provider)


def model_of(bot: Placed) -> Model | None:
    """The model that speaks for this bot: its own, or the installation's; None where it answers offline.

    A bot that names its own server brings its own key: the installation's goes to the installation's server only.
    """
    provider = bot.provider or next(filter(_is_installed, _INSTALLED), OFFLINE)
    if provider == OFFLINE or provider not in providers.names():
        return None
    try:
        own_key = sealed.unseal(bot.api_key_sealed)
    except sealed.SealBroken:
        logger.error("bot %d: its key cannot be opened and has to be entered again; it answers offline", bot.id)
        return None
    installed = not own_key and not bot.base_url
    return Model(
        provider=provider,
        name=bot.gpt_model or _setting(provider, "MODEL"),
        base_url=bot.base_url or _setting(provider, "BASE_URL"),
        key=_setting(provider, "API_KEY") if installed else own_key,
        folder=bot.folder or (_setting(provider, "FOLDER_ID") if installed else ""),
        temperature=bot.creativity_level,
        max_tokens=bot.max_tokens,
        chat=bot.bot_type == "chat",
        price_in=bot.price_in,
        price_out=bot.price_out,
    )


def _is_installed(provider: str) -> bool:
    return bool(_setting(provider, "API_KEY") or _setting(provider, "BASE_URL"))


def _setting(provider: str, name: str) -> str:
    """What the environment says of a provider: `OPENAI_MODEL`, `YANDEX_API_KEY` …"""
    return str(getattr(settings, f"{provider.upper()}_{name}", ""))


def _secrets(model: Model) -> tuple[str, ...]:
    """What no reply may contain: every key that this process knows."""
    known = (model.key, settings.SECRET_KEY, *(_setting(provider, "API_KEY") for provider in _INSTALLED))
    return tuple(dict.fromkeys(filter(None, known)))
