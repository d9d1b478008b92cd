"""Whether the program before a migration can go on working on the tables after it."""

from collections.abc import Iterator
from typing import Any

from django.db.migrations import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelManagers,
    AlterModelOptions,
    CreateModel,
)
from django.db.models import NOT_PROVIDED

from besedka.conversations.indexing import AddIndexUnderTraffic

HARMLESS = (CreateModel, AlterModelOptions, AlterModelManagers)
NOT_ADDITIVE = (
    "old and new programs run on the same tables while an update goes from process to process. Add what is new, "
    "let both fill it, and remove what is old in the release after the next one. Data is moved in batches, by a "
    "command."
)


def faults(migration: Migration, fields_before: dict[tuple[str, str], Any]) -> Iterator[str]:
    """What of this migration breaks the program before it, and what to write instead.

    `fields_before`: the fields by name of model and field, in lower case, as they are before it.
    """
    name = f"{migration.app_label}.{migration.name}"
    made = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
    for operation in migration.operations:
        model = getattr(operation, "model_name_lower", "")
        if model in made or isinstance(operation, HARMLESS):
            continue
        if isinstance(operation, AddField):
            field = operation.field
            if not (field.null or field.many_to_many or field.db_default is not NOT_PROVIDED):
                yield (
                    f"{name} adds {model}.{operation.name}, which the program before does not fill: "
                    "give it null=True or a db_default."
                )
        elif isinstance(operation, AddIndexUnderTraffic):
            if migration.atomic:
                yield f"{name} makes an index under traffic in a transaction: set `atomic = False` in it."
        elif isinstance(operation, AddIndex):
            yield (
                f"{name} makes an index on {model} that whoever writes waits for: use `AddIndexUnderTraffic` of "
                "besedka.conversations.indexing, alone in a migration with `atomic = False`."
            )
        elif isinstance(operation, AlterField):
            if not widens(fields_before[model, operation.name_lower], operation.field):
                yield f"{name} makes {model}.{operation.name} narrower or another thing: {NOT_ADDITIVE}"
        elif isinstance(operation, AddConstraint):
            yield f"{name} forbids in {model} what the program before may write: {NOT_ADDITIVE}"
        else:
            yield f"{name} does {type(operation).__name__}: {NOT_ADDITIVE}"


def widens(before: Any, after: Any) -> bool:
    """Whether everything that fitted into the field still fits, and nothing in the table has to be rewritten."""
    if type(before) is not type(after) or (before.null and not after.null) or (after.unique and not before.unique):
        return False
    shorter = after.max_length is not None and (before.max_length is None or after.max_length < before.max_length)
    return not shorter
