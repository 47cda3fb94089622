"""How people come to a study without a link of their own: from a panel, or with an account of this site."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from annotation.models import Person
from evaluation.errors import StudyError
from evaluation.models import Rater, Study
from evaluation.models.study import fresh_key

PANEL_ID = re.compile(r"[\w.@-]{1,100}", re.ASCII)
CODES = ("complete", "failed_checks", "screened_out", "withdrawn", "full")
LEFT_WITHOUT_A_VOTE = (Rater.Outcome.SCREENED_OUT, Rater.Outcome.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a panel tells of one visit in the address, as Prolific does."""

    person: str  # PROLIFIC_PID
    study: str  # STUDY_ID
    session: str  # SESSION_ID

    @classmethod
    def read(cls, told: Any) -> "Visit | None":
        """The visit in a query or a form; None where it tells none, StudyError where it isn't whole."""
        values = [told.get(name, "") for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")]
        if not any(values):
            return None
        if not all(PANEL_ID.fullmatch(value) for value in values):
            message = "The address lacks what the panel adds to it. Go back to the panel and open the study from there."
            raise StudyError("panel", message)
        return cls(*values)


class Full(Exception):
    """Every place is taken."""


def open_door(study: Study) -> str:
    """The key of the address for a panel; made when it is first asked for."""
    if not study.join_key:
        Study.objects.filter(pk=study.pk, join_key=None).update(join_key=fresh_key())
        study.refresh_from_db(fields=["join_key"])
    return study.join_key or ""


def from_panel(study: Study, visit: Visit) -> Rater:
    """The rater of this visit: the same for the same visit and the same person, however often they come.

    Raises Full when every place is taken; screened-out and withdrawn raters give theirs back.
    """
    person, session = (_digest(study, kind, text) for kind, text in (("pid", visit.person), ("sid", visit.session)))
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        panel = study.raters.filter(entrance=Rater.Entrance.PANEL)
        known = panel.filter(session_digest=session).first() or panel.filter(panel_digest=person).first()
        if known:
            return known
        _has_place(study)
        return _admit(study, "Panel", entrance=Rater.Entrance.PANEL, panel_digest=person, session_digest=session)


def with_account(study: Study, person: Person) -> Rater:
    """The rater of this account. Who has a role in the project can read the answers' sources there and can't rate."""
    if person.role_in(study.project):
        message = "Your account can read this project's answers and their sources, so it can't rate them."
        raise StudyError("member", message)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        known = study.raters.filter(person=person).first()
        if known:
            return known
        _has_place(study)
        return _admit(study, "Account", entrance=Rater.Entrance.ACCOUNT, person=person)


def code_for(study: Study, outcome: str) -> str:
    """The completion code of an outcome; empty where the panel has none."""
    return str(study.panel.get("codes", {}).get(outcome, ""))


def way_back(study: Study, outcome: str) -> str:
    """The panel's own page for an outcome; empty where none is set."""
    code, address = code_for(study, outcome), study.panel.get("return_url", "")
    return f"{address}{'&' if '?' in address else '?'}cc={code}" if code and address else ""


def _has_place(study: Study) -> None:
    places = study.panel.get("places")
    came = study.raters.exclude(entrance=Rater.Entrance.LINK).exclude(outcome__in=LEFT_WITHOUT_A_VOTE)
    if places is not None and came.count() >= places:
        raise Full


def _admit(study: Study, prefix: str, **more: Any) -> Rater:
    number = (study.raters.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    return Rater.invite(study, f"{prefix} {number}", number, **more)


def _digest(study: Study, kind: str, text: str) -> str:
    """A keyed hash: who reads the database learns no panel id, and can't link one person across studies."""
    mac = salted_hmac("evaluation.joining", f"{study.key}:{kind}:{text}", algorithm="sha256").digest()
    return hashlib.sha256(mac).hexdigest()
