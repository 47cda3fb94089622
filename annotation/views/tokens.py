"""A person's API tokens: made, shown once, revoked."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.forms import TokenForm
from annotation.models import ApiToken
from mixassist_site.http import MemberRequest, page_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: MemberRequest) -> HttpResponse:
    """One's tokens; the text of a new one is on the answer to its form and nowhere else."""
    form = TokenForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        _, text = ApiToken.issue(request.user, form.cleaned_data["name"], form.cleaned_data["scopes"])
        form = TokenForm()
    rows = request.user.api_tokens.order_by("-pk")
    context = {"form": form, "page": page_of(request, rows), "text": text}
    return render(request, "annotation/tokens.html", context, status=400 if form.errors else 200)


@require_POST
def revocation(request: MemberRequest, pk: int) -> HttpResponse:
    """End a token."""
    get_object_or_404(request.user.api_tokens, pk=pk).revoke()
    return redirect("tokens")
