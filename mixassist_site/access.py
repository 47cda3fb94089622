"""Who may do what: roles are per project, so a permission is always asked of an object."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import models

_allowed: dict[str, frozenset[str]] = {}


def allow(permission: str, *roles: str) -> None:
    """Let these roles of a project do this act; an act that nobody allowed is forbidden to everyone."""
    _allowed[permission] = frozenset(roles)


class RoleBackend(BaseBackend):
    """Answers `user.has_perm("annotation.review_layer", layer)` from the person's role in the object's project."""

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        """Whether this person's role in the object's project allows the act."""
        if obj is None or not user_obj.is_active or perm not in _allowed:
            return False
        role = user_obj.role_in(obj.project)  # type: ignore[attr-defined]
        return role in _allowed[perm]
