"""Ana annotates, Rita reviews, Rui rates, Ada administers, Sam is a stranger, Sue is the superuser."""

import pytest

from annotation.models import Person, Project

PASSWORD = "the right words"


def person(name: str, **fields) -> Person:
    return Person.objects.create_user(username=name, password=PASSWORD, **fields)


@pytest.fixture
def project(db) -> Project:
    return Project.objects.create(slug="songs", name="Songs")


def member(project: Project, name: str, role: str) -> Person:
    someone = person(name)
    project.admit(someone, role)
    return someone


@pytest.fixture
def ana(project) -> Person:
    return member(project, "ana", "annotator")


@pytest.fixture
def rita(project) -> Person:
    return member(project, "rita", "reviewer")


@pytest.fixture
def ada(project) -> Person:
    return member(project, "ada", "admin")


@pytest.fixture
def sam(db) -> Person:
    """A member of another project."""
    other = Project.objects.create(slug="elsewhere", name="Elsewhere")
    return member(other, "sam", "admin")


@pytest.fixture
def sue(db) -> Person:
    return Person.objects.create_superuser(username="sue", password=PASSWORD)
