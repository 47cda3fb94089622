"""The roof and the floor of the site."""

from mixassist_site.celery import app as celery_app

__all__ = ["celery_app"]
