"""Who competes in a study."""

from django.db import models

from evaluation.models.study import Study
from modeling.models import Generation


class Contender(models.Model):
    """One source of answers under the name that researchers know it by; raters never learn it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="contenders")
    name = models.CharField(max_length=120)
    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="contenders")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "name"], name="contender_name_once_per_study"),
            models.UniqueConstraint(fields=["study", "generation"], name="contender_generation_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.name
