"""The API's description: what drf-spectacular finds in Django, and the door's routes, which it cannot see."""

from typing import Any

from besedka.door import openapi

_REFUSALS = {
    "400": "The request is not of the form this address takes.",
    "401": "Sign in first.",
    "403": "You may not do this.",
    "404": "There is nothing here for you.",
    "405": "This address does not take this method.",
    "406": "This address answers in none of these formats.",
    "409": "This does not go together with what is there.",
    "413": "The request is too large.",
    "415": "This address takes another kind of body.",
    "422": "The same id came before with another content.",
    "429": "Too many requests or wrong tries: wait for `Retry-After` seconds.",
}
_METHODS = ("get", "post", "put", "patch", "delete")


def add_the_door(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: the schema with the door's paths and components in it."""
    for item in result.get("paths", {}).values():
        for method in _METHODS:
            if method in item:
                _add_refusals(item[method])
    result["paths"] = dict(sorted({**result.get("paths", {}), **openapi.paths()}.items()))
    components = result.setdefault("components", {})
    for kind, members in openapi.components().items():
        components.setdefault(kind, {}).update(members)
    return result


def _add_refusals(operation: dict[str, Any]) -> None:
    """Every address of Django's refuses alike: problem details (RFC 9457)."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = dict(_REFUSALS)
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", [])):
        refusals["412"] = "This has changed since `If-Match` was read."
    for status, description in refusals.items():
        operation["responses"].setdefault(status, {"description": description, "content": content})
