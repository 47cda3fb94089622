"""Levels and a spectrogram can be made of a recording."""

from django.db import migrations, models

KINDS = [("peaks", "Peaks"), ("levels", "Levels"), ("proxy", "Proxy"), ("spectrogram", "Spectrogram")]


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_pseudonyms_outlive_memberships")]

    operations = [
        migrations.AlterField("derived", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.AlterField("ingest", "makes", models.CharField(choices=KINDS, max_length=12)),
    ]
