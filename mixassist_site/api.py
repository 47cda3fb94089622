"""The addresses of the API: what the pages do, for scripts."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include("annotation.api.urls")),
    path("", include("modeling.api.urls")),
    path("", include("evaluation.api.urls")),
]
