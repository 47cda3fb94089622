"""Projects: their list, their front page, their people."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.forms import MembershipForm, ProjectForm
from annotation.models import Layer, Project, Role
from mixassist_site.http import MemberRequest, page_of


@require_safe
def projects(request: MemberRequest) -> HttpResponse:
    """The projects that this person is in."""
    rows = (
        Project.objects.visible_to(request.user)
        .order_by("name", "pk")
        .annotate(session_count=Count("sessions", distinct=True))
    )
    return render(request, "annotation/projects.html", {"page": page_of(request, rows)})


@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: MemberRequest) -> HttpResponse:
    """Begin a project; who begins it administers it."""
    if not request.user.is_superuser:
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            project = form.save()
            project.admit(request.user, Role.ADMIN)
        return redirect(project)
    return render(request, "annotation/project_form.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def project(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's sessions, and the way to everything else that it has."""
    found = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    visible = Layer.objects.visible_to(request.user)
    sessions = found.sessions.order_by("number").annotate(
        recording_count=Count("recordings", distinct=True),
        layer_count=Count("layers", filter=Q(layers__in=visible), distinct=True),
        accepted_count=Count("layers", filter=Q(layers__state=Layer.State.ACCEPTED), distinct=True),
    )
    context = {
        "project": found,
        "page": page_of(request, sessions),
        "may_manage": request.user.has_perm("annotation.manage_project", found),
        "may_add": request.user.has_perm("annotation.add_session", found),
        "role": request.user.role_in(found),
    }
    return render(request, "annotation/project.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: MemberRequest, slug: str) -> HttpResponse:
    """Name and guidelines, and who is in the project as what."""
    found = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.manage_project", found):
        raise PermissionDenied
    form = ProjectForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("project-settings", slug=slug)
    return _settings_page(request, found, form, MembershipForm())


def _settings_page(
    request: MemberRequest, found: Project, form: ProjectForm, membership: MembershipForm
) -> HttpResponse:
    number = found.pseudonyms.filter(person=OuterRef("person")).values("number")
    members = found.memberships.select_related("person").order_by("person__username").annotate(number=Subquery(number))
    context = {"project": found, "form": form, "membership_form": membership, "page": page_of(request, members)}
    status = 400 if form.errors or membership.errors else 200
    return render(request, "annotation/project_settings.html", {**context, "roles": Role.choices}, status=status)


@require_POST
def memberships(request: MemberRequest, slug: str) -> HttpResponse:
    """Give a person a role."""
    found = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.manage_project", found):
        raise PermissionDenied
    form = MembershipForm(request.POST)
    if form.is_valid():
        try:
            found.admit(form.cleaned_data["username"], form.cleaned_data["role"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("project-settings", slug=slug)
    return _settings_page(request, found, ProjectForm(instance=found), form)


@require_POST
def membership(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """Change a member's role, or with no role end the membership."""
    found = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.manage_project", found):
        raise PermissionDenied
    member = get_object_or_404(found.memberships.select_related("person"), pk=pk)
    role = request.POST.get("role", "")
    try:
        if role in Role.values:
            found.admit(member.person, role)
        elif role == "":
            found.dismiss(member.person)
        else:
            messages.error(request, "Choose a role from the list.")
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("project-settings", slug=slug)
