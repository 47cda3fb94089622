"""The door for those who come without a link: members of a panel, and people with an account of this site."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from evaluation import joining
from evaluation.errors import StudyError
from evaluation.models import Rater, Study
from evaluation.views.rating import blind_page, gone, patient
from mixassist_site.http import VisitorRequest


@login_not_required
@patient
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: VisitorRequest, token: str) -> HttpResponse:
    """Show the door; who presses Start gets their own link, the same one however often they come."""
    study = Study.objects.filter(join_key=token, state=Study.State.OPEN).select_related("project").first()
    if study is None:
        return gone()
    told = request.POST if request.method == "POST" else request.GET
    try:
        visit = joining.Visit.read(told)
        if request.method != "POST":
            sent = {name: told[name] for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID") if visit}
            has_account = request.user.is_authenticated
            known = {"token": token, "csrf_token": get_token(request), "sent": sent, "has_account": has_account}
            return blind_page("join", known)
        return redirect(joined(request, study, visit).get_absolute_url())
    except StudyError as error:
        return blind_page("refused", {"problem": error.message}, 400)
    except joining.Full:
        code, back = joining.code_for(study, "full"), joining.way_back(study, "full")
        return blind_page("full", {"code": code, "back": back})


def joined(request: VisitorRequest, study: Study, visit: joining.Visit | None) -> Rater:
    """The rater of this visit or of this account."""
    if visit:
        return joining.from_panel(study, visit)
    if request.user.is_authenticated:
        return joining.with_account(study, request.user)
    raise StudyError("nobody", "Open the study from your panel, or log in on this site first.")
