import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="identity",
            name="kind",
            field=models.CharField(
                choices=[
                    ("token", "Token"),
                    ("user", "User"),
                    ("telegram", "Telegram"),
                    ("session", "Session"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="inbox",
            name="hand_off",
            field=models.CharField(
                choices=[("unsure", "Unsure"), ("asked", "Asked")],
                db_default="unsure",
                default="unsure",
                help_text="A bot that is not sure calls a person, or asks on until somebody asks for one.",
                max_length=6,
            ),
        ),
        # Before the other one goes: MySQL wants an index below each foreign key at all times.
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(fields=["conversation", "upto_seq"], name="turn_of_a_message"),
        ),
        migrations.AlterField(
            model_name="turn",
            name="conversation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="turns",
                to="conversations.conversation",
            ),
        ),
    ]
