"""The addresses of the whole site."""

from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.decorators.http import require_http_methods

from mixassist_site import views

login = require_http_methods(["GET", "HEAD", "POST"])(auth.LoginView.as_view(redirect_authenticated_user=True))

urlpatterns = [
    path("", views.home, name="home"),
    path(
        "login/",
        login,
        name="login",
    ),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("jobs/", views.jobs, name="jobs"),
    path("jobs/<slug:kind>/<int:pk>/", views.job, name="job"),
    path("jobs/<slug:kind>/<int:pk>/cancellation/", views.cancellation, name="job-cancellation"),
    path("jobs/<slug:kind>/<int:pk>/retry/", views.retry, name="job-retry"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("annotation.urls")),
    path("", include("modeling.urls")),
    path("", include("evaluation.urls")),
    path("api/v1/", include("mixassist_site.api")),
]
