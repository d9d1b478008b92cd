"""Faults are told to a Sentry, where there is one: which kind, and where in the code; nothing anybody wrote."""

import logging
from typing import Any

from django.conf import settings

from besedka import about
from besedka.problems import request_id

logger = logging.getLogger(__name__)

KEPT = ("event_id", "timestamp", "level", "platform", "logger", "release", "sdk")
OF_FRAME = ("filename", "function", "module", "lineno", "in_app")


def begin() -> None:
    """What goes wrong in this process is told from now on. Without `SENTRY_DSN` nothing is loaded or sent."""
    if not settings.SENTRY_DSN:
        return
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra: only who has a Sentry has it
        from sentry_sdk.integrations import atexit, dedupe, excepthook, threading  # noqa: PLC0415
        from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    except ImportError:
        logger.error("SENTRY_DSN is set, and sentry-sdk is not installed: besedka[sentry] has it")
        return
    sentry_sdk.init(
        settings.SENTRY_DSN,
        default_integrations=False,  # those of frameworks look into requests
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            excepthook.ExcepthookIntegration(),
            threading.ThreadingIntegration(propagate_scope=False),
            dedupe.DedupeIntegration(),
            atexit.AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        before_send=stripped,
    )


def stripped(event: Any, hint: Any) -> Any:
    """What of an event may leave the house: kinds of errors, places in the code, ids of request and conversation.

    The words of an error may quote what it met: they stay here, and so does what was put into a line of the log.
    """
    left = {name: event[name] for name in KEPT if name in event}
    if template := event.get("logentry", {}).get("message"):
        left["logentry"] = {"message": template}
    if "exception" in event:
        left["exception"] = {"values": [_stripped(one) for one in event["exception"].get("values", ())]}
    left["tags"] = {name: str(known) for name, known in about.known().items()}
    if under_way := request_id():
        left["tags"]["request"] = under_way
    return left


def _stripped(exception: dict[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", ())
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in OF_FRAME} for frame in frames]},
    }
