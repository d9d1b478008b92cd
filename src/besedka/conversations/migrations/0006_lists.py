from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0005_searching")]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["inbox", "status", "active_at", "id"], name="conversation_of_inbox"),
        ),
    ]
