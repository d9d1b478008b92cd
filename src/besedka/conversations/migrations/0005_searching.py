import django.db.models.deletion
from django.db import migrations, models

from besedka.conversations import search_tables


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_attachments")]

    operations = [
        migrations.CreateModel(
            name="Wording",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="conversations.message",
                    ),
                ),
                ("words", models.TextField()),
            ],
        ),
        # MySQL cannot undo such statements, so Django allows none of them in a transaction there.
        migrations.RunPython(search_tables.build, search_tables.drop, atomic=False),
    ]
