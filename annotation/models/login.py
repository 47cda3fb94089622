"""A browser's session, which names its person: one query finds both."""

from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import QuerySet


class LoginManager(BaseSessionManager["Login"]):
    """Reads over logins, each with its person."""

    def get_queryset(self) -> QuerySet["Login"]:
        """All, with their people."""
        return super().get_queryset().select_related("person")


class Login(AbstractBaseSession):
    """What Django keeps of a browser, and who has logged in there; nobody before that."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="logins"
    )

    objects: ClassVar[LoginManager] = LoginManager()

    class Meta(AbstractBaseSession.Meta):
        db_table = "login"
