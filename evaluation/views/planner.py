"""How many raters, items and votes a question needs, and whether a plan can answer it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.models import Project
from evaluation.forms import PlannerForm
from evaluation.planning import plan_of
from mixassist_site.http import MemberRequest


@require_safe
def planner(request: MemberRequest, slug: str) -> HttpResponse:
    """A form that computes; nothing is stored."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    asked = request.GET.copy()
    for name, field in PlannerForm.base_fields.items():  # a link may name what it wants to change, and no more
        asked.setdefault(name, field.initial)
    form = PlannerForm(asked if request.GET else None)
    plan = plan_of(**form.cleaned_data) if form.is_bound and form.is_valid() else None
    context = {"project": project, "form": form, "plan": plan}
    return render(request, "evaluation/planner.html", context, status=400 if form.errors else 200)
