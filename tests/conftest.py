"""What every test has: people, a home of its own, and a reason when a service is missing."""

import os
from pathlib import Path

import pytest

from tests.people import *  # noqa: F403
from tests.pretend_model import pretend_model  # noqa: F401


def pytest_collection_modifyitems(items):
    """Files of few, long tests come first: one that begins last leaves the other processes without work."""
    items.sort(key=lambda item: "browser" not in item.path.parts)


@pytest.fixture(autouse=True)
def home(settings, tmp_path_factory):
    """Files of one test never meet those of another."""
    root: Path = tmp_path_factory.mktemp("home")
    for name, folder in homes(root).items():
        setattr(settings, name, folder)
    return root


def homes(root: Path) -> dict[str, Path]:
    """Every setting that names a folder, below a root."""
    names = ("media", "snapshots", "releases", "figures", "runs", "adapters", "audio-rows")
    folders = {f"{name.replace('-', '_').upper()}_ROOT": root / name for name in names}
    return {"MIXASSIST_HOME": root, **folders, "UPLOADS_ROOT": root / "media" / "uploads"}


@pytest.fixture(autouse=True)
def calm_heart(request, settings):
    """A test inside one transaction is alone in its database: a heartbeat of a second thread would be locked out."""
    mark = request.node.get_closest_marker("django_db")
    transactional = (mark and mark.kwargs.get("transaction")) or "transactional_db" in request.fixturenames
    if not transactional and "live_server" not in request.fixturenames:
        settings.JOB_HEARTBEAT_SECONDS = 60.0
        settings.JOB_LEASE_SECONDS = 240.0


def missing(service: str, why: str) -> None:
    """Skip for want of a service; on CI a missing service is a failure."""
    message = f"{service} is not here: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
