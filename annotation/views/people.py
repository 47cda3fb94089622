"""Accounts of the site, for its superusers."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotation.forms import PersonForm
from annotation.models import Person
from mixassist_site.http import MemberRequest, page_of


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: MemberRequest) -> HttpResponse:
    """Everyone with an account; POST makes one."""
    if not request.user.is_superuser:
        raise PermissionDenied
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = Person.objects.create_user(form.cleaned_data["username"], password=form.cleaned_data["password"])
        messages.success(request, f"{person.username} can log in now. Give them a role in a project.")
        return redirect("people")
    page = page_of(request, Person.objects.order_by("username"))
    return render(request, "annotation/people.html", {"form": form, "page": page}, status=400 if form.errors else 200)
