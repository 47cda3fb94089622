"""Someone who compares answers through a link, without an account."""

import base64
import hashlib
import secrets
from typing import Any, Self

from django.conf import settings
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
    and who reads the database learns none. Of a panel's member only keyed hashes of the panel's ids are kept.

    invited → started → consented → understood → rating → one outcome. A rater is excluded from the results by a person,
    under a rule of the protocol, and the act is logged; never by the site.
    """

    class Entrance(models.TextChoices):
        """How a rater came."""

        LINK = "link", "Link"
        PANEL = "panel", "Panel"
        ACCOUNT = "account", "Account"

    class Outcome(models.TextChoices):
        """How it ended; empty while it hasn't."""

        COMPLETE = "complete", "Complete"
        FAILED_CHECKS = "failed_checks", "Complete, checks failed"
        SCREENED_OUT = "screened_out", "Screened out"
        WITHDRAWN = "withdrawn", "Withdrawn"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="raters")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=80)
    nonce = models.CharField(max_length=32, default=fresh_nonce, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    entrance = models.CharField(max_length=7, choices=Entrance, default=Entrance.LINK)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="ratings_as"
    )
    panel_digest = models.CharField(max_length=64, blank=True, editable=False)  # of the panel's id of the person
    session_digest = models.CharField(max_length=64, blank=True, editable=False)  # of the panel's id of the visit
    is_simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_hash = models.CharField(max_length=64, blank=True)  # of the text that was agreed to
    quiz_attempts = models.PositiveSmallIntegerField(default=0)
    understood_at = models.DateTimeField(null=True, blank=True)
    rested_at = models.PositiveIntegerField(default=0)  # after how many pairs the last break was ended
    knows_project = models.BooleanField(default=False)  # came logged in as somebody with a role in the project
    outcome = models.CharField(max_length=13, blank=True, choices=Outcome)
    finished_at = models.DateTimeField(null=True, blank=True)
    code_shown_at = models.DateTimeField(null=True, blank=True)  # from then on the last vote stands as well
    excluded_for = models.CharField(max_length=40, blank=True)  # the rule; empty: the votes count
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = RaterQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="rater_number_once_per_study"),
            models.UniqueConstraint(fields=["study", "label"], name="rater_label_once_per_study"),
            models.UniqueConstraint(
                fields=["study", "session_digest"], condition=~Q(session_digest=""), name="rater_visit_once_per_study"
            ),
            models.UniqueConstraint(
                fields=["study", "panel_digest"], condition=~Q(panel_digest=""), name="rater_panelist_once_per_study"
            ),
            models.UniqueConstraint(
                fields=["study", "person"], condition=Q(person__isnull=False), name="rater_account_once_per_study"
            ),
            models.CheckConstraint(condition=~Q(digest=""), name="rater_has_a_link"),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at=None)
                | Q(outcome__in=["complete", "failed_checks", "screened_out", "withdrawn"], finished_at__isnull=False),
                name="rater_outcome_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @classmethod
    def invite(cls, study: Study, label: str, number: int, **more: Any) -> "Rater":
        """Make a rater and, with it, their link."""
        rater = cls(study=study, label=label, number=number, **more)
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

    def finish(self, outcome: str) -> bool:
        """End this rater's study in one way; the first counts. False when it had ended before."""
        going = type(self).objects.filter(pk=self.pk, outcome="")
        finished = going.update(outcome=outcome, finished_at=timezone.now()) == 1
        self.refresh_from_db(fields=["outcome", "finished_at"])
        return finished

    def _derive(self) -> str:
        words = f"{self.study_id}:{self.number}:{self.nonce}"
        mac = salted_hmac("evaluation.models.rater", words, algorithm="sha256").digest()
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def digest_of(token: str) -> str:
    """What is stored of a link."""
    return hashlib.sha256(token.encode()).hexdigest()
