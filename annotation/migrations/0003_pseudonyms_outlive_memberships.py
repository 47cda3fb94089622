"""Pseudonyms become rows of their own, which stay when a membership ends."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def keep(apps, schema_editor):
    """Each member keeps the number that exports have carried; of two with one number, the later gets the next free."""
    Membership = apps.get_model("annotation", "Membership")
    Pseudonym = apps.get_model("annotation", "Pseudonym")
    taken = {}
    for member in Membership.objects.order_by("pk"):
        numbers = taken.setdefault(member.project_id, set())
        number = int(member.pseudonym.removeprefix("P") or 0)
        if not number or number in numbers:
            number = max(numbers, default=0) + 1
        numbers.add(number)
        Pseudonym.objects.create(project_id=member.project_id, person_id=member.person_id, number=number)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0002_uploads_know_their_file")]

    operations = [
        migrations.CreateModel(
            name="Pseudonym",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pseudonyms",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pseudonyms",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "person"), name="pseudonym_once_per_person"),
                    models.UniqueConstraint(fields=("project", "number"), name="pseudonym_number_once_per_project"),
                ],
            },
        ),
        migrations.RunPython(keep, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="membership", name="pseudonym"),
    ]
