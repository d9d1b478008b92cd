"""A call outside, made ready to be sent; and what is picked from its reply."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from besedka.dialogue import templates
from besedka.dialogue.effects import Call
from besedka.dialogue.steps import ApiCall
from besedka.dialogue.templates import Value


def ready(content: ApiCall, key: str, variables: Mapping[str, Value], answer: str) -> Call:
    """Return the call with values in all its places; raises `templates.Unfit` for one that cannot stand there.

    Names of secrets are marked, as `templates.with_secrets` expects them.
    """
    url = templates.url(content.url, variables, answer)
    if content.query:
        pairs = {name: templates.text(value, variables, answer) for name, value in content.query.items()}
        parts = urlsplit(url)
        query = "&".join(part for part in (parts.query, urlencode(pairs)) if part)
        url = urlunsplit(parts._replace(query=query, fragment=""))
    headers = {name: templates.header(value, variables, answer) for name, value in content.headers.items()}
    body = templates.inside(content.json_body, variables, answer)
    form = templates.inside(content.form, variables, answer) if content.form is not None else None
    texts = {name: templates.shown(value) for name, value in form.items()} if isinstance(form, dict) else None
    return Call(key, content.method, url, headers, body, texts, content.timeout_s)


def picked(body: Any, path: str) -> Any:
    """Return what stands at a dotted path of names and positions (`data.items.0.name`); None when nothing does."""
    for part in path.split("."):
        if isinstance(body, dict):
            body = body.get(part)
        elif isinstance(body, list) and part.isascii() and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body
