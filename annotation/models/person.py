"""People who work on the site, and the tokens of their scripts."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from annotation.models.project import Project


class Person(AbstractUser):
    """Someone with an account; what they may do is decided by their role in each project."""

    keys = models.JSONField(default=dict, blank=True)  # of the workbench: {"profile", "keys": {action: [key]}}

    class Meta:
        db_table = "person"

    def role_in(self, project: "Project") -> str | None:
        """This person's role in a project; a superuser is an administrator everywhere."""
        roles: dict[int, str | None] = self.__dict__.setdefault("_roles", {})
        if project.pk not in roles:
            found = self.memberships.filter(project=project).values_list("role", flat=True).first()
            roles[project.pk] = "admin" if self.is_superuser else found
        return roles[project.pk]

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Forget the roles with the rest."""
        self.__dict__.pop("_roles", None)
        super().refresh_from_db(*args, **kwargs)


class ApiToken(models.Model):
    """A key for a person's script: shown once, kept as a hash, good for some scopes until it expires."""

    SCOPES: ClassVar[dict[str, str]] = {
        "read": "Read what you can read",
        "annotate": "Edit your layers and upload sessions",
        "manage": "Build snapshots, train, generate, open studies",
    }
    LIFETIME = timedelta(days=365)

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    @classmethod
    def issue(cls, person: Person, name: str, scopes: list[str]) -> tuple["ApiToken", str]:
        """Make a token; its text is returned here and never again."""
        text = "mix_" + secrets.token_urlsafe(32)
        expires = timezone.now() + cls.LIFETIME
        known = [scope for scope in cls.SCOPES if scope in scopes]
        token = cls.objects.create(
            person=person, name=name, scopes=known, digest=cls.digest_of(text), expires_at=expires
        )
        return token, text

    @classmethod
    def find(cls, text: str) -> "ApiToken | None":
        """The living token with this text."""
        digest = cls.digest_of(text)
        token = cls.objects.select_related("person").filter(digest=digest, revoked_at=None).first()
        living = token and token.expires_at > timezone.now() and token.person.is_active
        return token if token and living and hmac.compare_digest(token.digest, digest) else None

    @staticmethod
    def digest_of(text: str) -> str:
        """What is stored of a token."""
        return hashlib.sha256(text.encode()).hexdigest()

    def revoke(self) -> None:
        """End this token now."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])
