"""The keys that a person chose for the workbench go where the person goes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_segments_know_their_words")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="keys",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
