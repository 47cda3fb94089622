"""Topics, flags and rules get versions; the first is what each project has."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import annotation.models.vocabulary


def begin(apps, schema_editor):
    """Version 1 of every project."""
    Project = apps.get_model("annotation", "Project")
    VocabularyVersion = apps.get_model("annotation", "VocabularyVersion")
    for project in Project.objects.order_by("pk"):
        words = {"topics": project.topics, "flags": project.flags, "rules": project.rules}
        VocabularyVersion.objects.create(project=project, number=1, created_at=project.created_at, **words)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0006_people_keep_their_keys")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="rules",
            field=models.JSONField(default=annotation.models.vocabulary.usual_rules),
        ),
        migrations.AddField(
            model_name="project",
            name="vocabulary_number",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.CreateModel(
            name="VocabularyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("topics", models.JSONField()),
                ("flags", models.JSONField()),
                ("rules", models.JSONField()),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vocabulary_versions",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "ordering": ["project", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "number"), name="vocabulary_number_once_per_project"),
                ],
            },
        ),
        migrations.RunPython(begin, migrations.RunPython.noop, elidable=True),
    ]
