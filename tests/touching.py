"""A plugin for pytest that keeps the tests which touch the database: `-p tests.touching`."""

import pytest

DATABASES = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs no differently on another database."""
    kept = [item for item in items if touches(item)]
    config.hook.pytest_deselected(items=[item for item in items if not touches(item)])
    items[:] = kept


def touches(item: pytest.Item) -> bool:
    """Whether a test or one of its fixtures asks for a database."""
    return bool(DATABASES.intersection(getattr(item, "fixturenames", ()))) or bool(item.get_closest_marker("django_db"))
