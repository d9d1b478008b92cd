"""Guards of migrations: what is new comes beside what is old, and nobody who talks waits for it."""

import threading

import pytest
import running
from additive import faults
from at_once import together
from django.core.management import call_command
from django.db import connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader

from besedka.ads.models import Ad
from besedka.conversations.indexing import AddIndexUnderTraffic

# What was there before people talked through an update. Nothing is ever added here: see `additive.py`.
BEFORE = {
    "accounts": 6,
    "ads": 2,
    "answers": 1,
    "bots": 4,
    "conversations": 7,
    "desk": 1,
    "knowledge": 2,
    "telegram": 1,
    "turns": 2,
}


def migration(*operations: migrations.operations.base.Operation, atomic: bool = True) -> migrations.Migration:
    made = migrations.Migration("0002_new", "shop")
    made.operations, made.atomic = list(operations), atomic
    return made


def fields_before(loader: MigrationLoader, app: str, name: str) -> dict[tuple[str, str], models.Field]:
    state = loader.project_state((app, name), at_end=False)
    return {
        (model, field): found
        for (label, model), one in state.models.items()
        if label == app
        for field, found in one.fields.items()
    }


def test_every_migration_lets_the_program_before_it_work_on():
    loader = MigrationLoader(None)
    newer = [
        (app, name, one)
        for (app, name), one in loader.disk_migrations.items()
        if app in BEFORE and int(name[:4]) > BEFORE[app]
    ]

    found = [fault for app, name, one in newer for fault in faults(one, fields_before(loader, app, name))]

    assert found == []


@pytest.mark.parametrize(
    ("operation", "advice"),
    [
        (migrations.RemoveField("order", "price"), "release after the next"),
        (migrations.RenameField("order", "price", "cost"), "release after the next"),
        (migrations.DeleteModel("order"), "release after the next"),
        (migrations.AlterField("order", "name", models.CharField(max_length=5)), "narrower"),
        (migrations.AlterField("order", "note", models.TextField()), "narrower"),
        (migrations.AddField("order", "size", models.IntegerField(default=1)), "db_default"),
        (migrations.AddIndex("order", models.Index(fields=["name"], name="by_name")), "AddIndexUnderTraffic"),
        (AddIndexUnderTraffic("order", models.Index(fields=["name"], name="by_name")), "atomic = False"),
        (migrations.RunSQL("UPDATE shop_order SET price = 0"), "in batches"),
        (
            migrations.AddConstraint("order", models.CheckConstraint(condition=models.Q(price=1), name="one")),
            "forbids",
        ),
    ],
)
def test_whoever_writes_one_that_does_not_is_told_what_to_write_instead(operation, advice):
    before = {
        ("order", "name"): models.CharField(max_length=10),
        ("order", "note"): models.TextField(null=True),
    }

    [fault] = faults(migration(operation), before)

    assert fault.startswith("shop.0002_new ")
    assert advice in fault


def test_what_only_adds_is_fine():
    before = {("order", "name"): models.CharField(max_length=10)}
    adding = migration(
        migrations.CreateModel("Bill", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("bill", "sum", models.IntegerField()),
        migrations.AddField("order", "size", models.IntegerField(db_default=1)),
        migrations.AddField("order", "colour", models.CharField(max_length=10, null=True)),
        migrations.AlterField("order", "name", models.CharField(max_length=20)),
    )
    indexing = migration(
        AddIndexUnderTraffic("order", models.Index(fields=["name"], name="by_name")), atomic=False
    )

    assert [*faults(adding, before), *faults(indexing, before)] == []


@pytest.mark.django_db(transaction=True)
def test_an_index_is_made_under_traffic_again_where_a_try_before_was_cut_off():
    index = models.Index(fields=["breed"], name="ads_breed_once_more")
    operation = AddIndexUnderTraffic("ad", index)
    state = MigrationLoader(connection).project_state()
    after = state.clone()
    operation.state_forwards("ads", after)

    def indexes() -> set[str]:
        with connection.cursor() as cursor:
            return set(connection.introspection.get_constraints(cursor, Ad._meta.db_table))

    for _ in range(2 if connection.vendor == "postgresql" else 1):  # the first one is what was left behind
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("ads", editor, state, after)
    made = index.name in indexes()
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("ads", editor, after, state)

    assert made
    assert index.name not in indexes()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only there a statement can be told how long to wait"
)
def test_a_migration_gives_way_to_whoever_writes_and_is_tried_again(capfd):
    call_command("migrate", "ads", "0001", verbosity=0)
    writing, told = threading.Event(), []

    def write() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {Ad._meta.db_table} IN ROW EXCLUSIVE MODE")
            writing.set()
            running.wait_until(lambda: "once more" in capfd.readouterr().err)
            told.append("it gave way")

    def migrate() -> None:
        writing.wait(30)
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            told.append(cursor.fetchone()[0])

    ended = together(write, migrate)

    assert ended == [None, None]
    assert told == ["it gave way", "10s"]
