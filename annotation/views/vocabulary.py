"""A project's vocabulary and rules: what they are, what they were, and a new version of them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from annotation.models import Project
from annotation.vocabulary_form import VocabularyForm
from mixassist_site.http import MemberRequest, page_of


@require_http_methods(["GET", "HEAD", "POST"])
def vocabulary(request: MemberRequest, slug: str) -> HttpResponse:
    """Topics, flags and rules; what is posted becomes a version on top of the one that was seen."""
    found = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.manage_project", found):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, found, VocabularyForm(found))
    form = VocabularyForm(found, request.POST)
    seen = request.POST.get("seen", "")
    is_newest = seen == str(found.vocabulary_number)
    if form.is_valid() and is_newest:
        if not form.is_different():
            messages.info(request, "Nothing is different, so there is no new version.")
            return redirect("vocabulary", slug=slug)
        note = form.rules.cleaned_data["note"]
        version = found.revise(seen=found.vocabulary_number, **form.words(), by=request.user, note=note)
        if version:
            messages.success(request, f"Saved as version {version.number}.")
            return redirect("vocabulary", slug=slug)
        found.refresh_from_db()
        is_newest = False
    return _page(
        request, found, form, status=400 if is_newest else 409, meanwhile="" if is_newest else _since(found, seen)
    )


def _since(project: Project, seen: str) -> str:
    """What others have made of the vocabulary since a version, in a sentence."""
    newest = project.vocabulary_versions.select_related("author").get(number=project.vocabulary_number)
    number = int(seen) if seen.isdecimal() and len(seen) < 9 else 0
    before = project.vocabulary_versions.filter(number=number).first()
    who = newest.author.username if newest.author else "Somebody"
    what = "; ".join(newest.differs_from(before)) if before else ""
    said = f"{who} has saved version {newest.number} meanwhile{f' ({what})' if what else ''}."
    return f"{said} What you typed is still here and is not saved: look it over, and save again to put it on top."


def _page(
    request: MemberRequest, project: Project, form: VocabularyForm, *, status: int = 200, meanwhile: str = ""
) -> HttpResponse:
    versions = page_of(request, project.vocabulary_versions.select_related("author").order_by("-number"), 20)
    context: dict[str, Any] = {
        "project": project,
        "form": form,
        "meanwhile": meanwhile,
        "page": versions,
        "versions": _told(project, list(versions)),
    }
    return render(request, "annotation/vocabulary.html", context, status=status)


def _told(project: Project, versions: list[Any]) -> list[dict[str, Any]]:
    """Versions with what differs from the one before each."""
    oldest = versions[-1].number if versions else 1
    earlier = {version.number: version for version in versions}
    earlier |= {version.number: version for version in project.vocabulary_versions.filter(number=oldest - 1)}
    told = []
    for version in versions:
        before = earlier.get(version.number - 1)
        differs = version.differs_from(before) if before else ["as the project began with it"]
        told.append({"version": version, "differs": differs})
    return told
