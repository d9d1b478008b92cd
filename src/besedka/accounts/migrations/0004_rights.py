from typing import Any

from django.db import migrations, models


def those_whom_telegram_made(apps: Any, schema_editor: Any) -> None:
    """Whoever only ever wrote to the bot in Telegram has an account, and makes no bots."""
    users = apps.get_model("accounts", "User").objects
    users.filter(username__startswith="telegram-", telegram__isnull=False).update(is_author=False)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_telegram"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="is_author",
            field=models.BooleanField(
                db_default=True, default=True, help_text="Makes bots and publishes ads.", verbose_name="author"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="rights_version",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.RunPython(those_whom_telegram_made, migrations.RunPython.noop, elidable=True),
    ]
