"""A place in a conversation at which contenders answer."""

from django.db import models

from evaluation.models.study import Study


class Item(models.Model):
    """What was said before the answer, and the clip; taken from one row of the snapshot.

    `context` is {"summary": text or null, "turns": [{"speaker", "text"}], "asked": text or null}; what the expert
    said next is never in it. `placed` counts the assignments that are open or rated. An item that is kept for checks is
    compared by nobody: its pairs are practice, attention and gold.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="items")
    row = models.CharField(max_length=200)  # "<split>/<conversation_id>/<turn_id>" in the snapshot
    topic = models.CharField(max_length=60, blank=True)
    is_check = models.BooleanField(default=False)
    position = models.PositiveIntegerField()
    context = models.JSONField(default=dict)
    clip = models.CharField(max_length=300, blank=True)  # path relative to the snapshot
    placed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "row"], name="item_row_once_per_study"),
            models.UniqueConstraint(fields=["study", "position"], name="item_position_once_per_study"),
        ]
