"""What waits for this person, the jobs page, and whether the site is well."""
from django.http import HttpRequest, HttpResponse
def home(request: HttpRequest) -> HttpResponse: return HttpResponse("")
jobs = cancellation = retry = healthz = readyz = home
