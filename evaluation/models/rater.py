"""Someone who compares answers through a link, without an account."""

import base64
import hashlib
import secrets
from typing import Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from evaluation.models.study import Study


def fresh_nonce() -> str:
    """128 random bits that make one link."""
    return secrets.token_hex(16)


class RaterQuerySet(models.QuerySet["Rater"]):
    """Reads over raters."""

    def with_a_living_link(self) -> Self:
        """Raters whose link works now: their study is open, and nobody took the link back."""
        return self.filter(revoked_at=None, study__state=Study.State.OPEN)


class Rater(models.Model):
    """One person, or one simulated rater, in one study.

    The link's token is derived from the site's key and never stored: administrators can show a link at any time,
    and who reads the database learns none.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="raters")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=80)
    nonce = models.CharField(max_length=32, default=fresh_nonce, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    is_simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = RaterQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="rater_number_once_per_study"),
            models.UniqueConstraint(fields=["study", "label"], name="rater_label_once_per_study"),
            models.CheckConstraint(condition=~Q(digest=""), name="rater_has_a_link"),
        ]

    def __str__(self) -> str:
        return self.label

    @classmethod
    def invite(cls, study: Study, label: str, number: int, *, is_simulated: bool = False) -> "Rater":
        """Make a rater and, with it, their link."""
        rater = cls(study=study, label=label, number=number, is_simulated=is_simulated)
        rater.digest = digest_of(rater._derive())
        rater.save()
        return rater

    @classmethod
    def find(cls, token: str) -> "Rater | None":
        """The rater with this link; None for a link that is unknown, taken back, or of a study that isn't open."""
        return cls.objects.with_a_living_link().select_related("study").filter(digest=digest_of(token)).first()

    @property
    def token(self) -> str | None:
        """The secret of the link; None when the site's key has changed since the link was made."""
        token = self._derive()
        return token if constant_time_compare(digest_of(token), self.digest) else None

    def get_absolute_url(self) -> str:
        """The link's path on this site; empty when the link can't be shown any more."""
        return reverse("rate", args=[self.token]) if self.token else ""

    @property
    def is_revoked(self) -> bool:
        """Whether the link was taken back."""
        return self.revoked_at is not None

    def start(self) -> None:
        """Remember when this rater began; the first time counts."""
        type(self).objects.filter(pk=self.pk, started_at=None).update(started_at=timezone.now())

    def _derive(self) -> str:
        words = f"{self.study_id}:{self.number}:{self.nonce}"
        mac = salted_hmac("evaluation.models.rater", words, algorithm="sha256").digest()
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def digest_of(token: str) -> str:
    """What is stored of a link."""
    return hashlib.sha256(token.encode()).hexdigest()
