"""One contender's answer to one item, as generated and as shown."""

from django.db import models
from django.db.models import Q

from evaluation.models.contender import Contender
from evaluation.models.item import Item
from modeling.models import Candidate


class Response(models.Model):
    """`text` is exactly what was generated, `sha256` is of it; `shown` has passed the study's one normaliser.

    What a check shows has no contender: it competes with nobody. An answer that was given live has no candidate.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="responses")
    contender = models.ForeignKey(Contender, null=True, blank=True, on_delete=models.CASCADE, related_name="responses")
    candidate = models.ForeignKey(Candidate, null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    text = models.TextField()
    shown = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["item", "contender"], name="response_once_per_item_and_contender"),
            models.CheckConstraint(condition=~Q(text="") & ~Q(shown=""), name="response_says_something"),
            models.CheckConstraint(
                condition=Q(contender__isnull=False) | Q(candidate=None), name="response_of_a_check_has_no_candidate"
            ),
        ]
