"""The roof's screens: home, jobs, health."""

from mixassist_site.views.health import healthz, readyz
from mixassist_site.views.home import home
from mixassist_site.views.jobs import cancellation, job, jobs, retry

__all__ = ["cancellation", "healthz", "home", "job", "jobs", "readyz", "retry"]
