"""A participant withdraws, or is deleted: frozen snapshots stay and say so; new ones leave the sessions out."""

from typing import Any

from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from annotation.models import Participant, Project, Snapshot
from mixassist_site.jobs import State

WITHDRAWN, DELETED = "withdrawn", "deleted"


def withdraw(participant: Participant) -> int:
    """Take a participant's word back; how many frozen snapshots hold their sessions."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=participant.project_id)
        Participant.objects.filter(pk=participant.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
        return _mark(participant, WITHDRAWN)


def reinstate(participant: Participant) -> None:
    """Take a withdrawal back that was a mistake; its marks go."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=participant.project_id)
        Participant.objects.filter(pk=participant.pk).update(withdrawn_at=None)
        for snapshot in _holding(participant):
            left = [
                mark
                for mark in snapshot.withdrawn
                if (mark["participant"], mark["why"]) != (participant.code, WITHDRAWN)
            ]
            Snapshot.objects.filter(pk=snapshot.pk).update(withdrawn=left)


def _holding(participant: Participant) -> list[Snapshot]:
    frozen = Snapshot.objects.filter(project=participant.project_id, state=State.SUCCEEDED)
    rows = frozen.only("participants", "withdrawn")
    return [snapshot for snapshot in rows if participant.code in snapshot.participants]


def _mark(participant: Participant, why: str) -> int:
    held = _holding(participant)
    for snapshot in held:
        if participant.code not in {mark["participant"] for mark in snapshot.withdrawn if mark["why"] == why}:
            marks = [*snapshot.withdrawn, _told(participant.code, why)]
            Snapshot.objects.filter(pk=snapshot.pk).update(withdrawn=marks)
    return len(held)


def _told(code: str, why: str) -> dict[str, str]:
    return {"participant": code, "why": why, "on": timezone.now().date().isoformat()}


def marks_for(project: Project, codes: list[str]) -> list[dict[str, str]]:
    """Who of these has withdrawn or was deleted while a snapshot was built; holds the project until that is over."""
    Project.objects.select_for_update().get(pk=project.pk)
    there = dict(project.participants.filter(code__in=codes).values_list("code", "withdrawn_at"))
    return [
        _told(code, WITHDRAWN if code in there else DELETED)
        for code in codes
        if code not in there or there[code] is not None
    ]


@receiver(pre_delete, sender=Participant)
def mark_deleted(sender: Any, instance: Participant, **more: Any) -> None:
    """Mark the snapshots that hold a participant before their row goes."""
    _mark(instance, DELETED)
