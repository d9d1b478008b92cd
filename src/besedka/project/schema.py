"""The API's description: what drf-spectacular finds in Django, and the door's routes, which it cannot see."""

from typing import Any

from besedka.door import openapi


def add_the_door(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: the schema with the door's paths and components in it."""
    result["paths"] = dict(sorted({**result.get("paths", {}), **openapi.paths()}.items()))
    components = result.setdefault("components", {})
    for kind, members in openapi.components().items():
        components.setdefault(kind, {}).update(members)
    return result
