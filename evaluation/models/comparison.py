"""Two contenders on one item."""

from django.db import models
from django.db.models import F, Q

from evaluation.models.contender import Contender
from evaluation.models.item import Item


class Comparison(models.Model):
    """An item and an unordered pair, kept in one order: `lo` is the contender that was entered first.

    `placed` counts the assignments that are open or rated, `lo_left` those of them that show `lo` on the left.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="comparisons")
    lo = models.ForeignKey(Contender, on_delete=models.CASCADE, related_name="+")
    hi = models.ForeignKey(Contender, on_delete=models.CASCADE, related_name="+")
    placed = models.PositiveIntegerField(default=0)
    lo_left = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["item", "lo", "hi"], name="comparison_once_per_item_and_pair"),
            models.CheckConstraint(condition=Q(lo__lt=F("hi")), name="comparison_keeps_its_pair_in_order"),
            models.CheckConstraint(condition=Q(lo_left__lte=F("placed")), name="comparison_left_is_part_of_placed"),
        ]
