"""A pair whose answer is known: practice, attention, gold."""

from django.db import models
from django.db.models import F, Q

from evaluation.models.item import Item
from evaluation.models.response import Response
from evaluation.models.study import Study


class Check(models.Model):
    """Two texts on an item that nobody competes on, and which of them is to be chosen.

    `side` is where `better` stands when its text names a side; empty: it is drawn. `feedback` is shown after a
    practice pair, and never after another.
    """

    class Kind(models.TextChoices):
        """What a check is for."""

        PRACTICE = "practice", "Practice"
        ATTENTION = "attention", "Attention"
        GOLD = "gold", "Gold"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="checks")
    kind = models.CharField(max_length=9, choices=Kind)
    position = models.PositiveSmallIntegerField()
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="check_pair")
    better = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="+")
    worse = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="+")
    side = models.CharField(max_length=5, blank=True)
    feedback = models.TextField(blank=True)

    class Meta:
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "kind", "position"], name="check_position_once_per_kind"),
            models.CheckConstraint(condition=Q(kind__in=["practice", "attention", "gold"]), name="check_kind_is_known"),
            models.CheckConstraint(condition=~Q(better=F("worse")), name="check_texts_differ"),
            models.CheckConstraint(condition=Q(side__in=["", "left", "right"]), name="check_side_is_known"),
        ]
