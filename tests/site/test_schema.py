"""The API describes itself, and its description holds every address."""

from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS


def test_the_schema_is_made_without_a_warning(tmp_path, db):
    GENERATOR_STATS.reset()
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_lists_are_paged(client, ada, project):
    from tests.factories import SessionFactory

    SessionFactory.create_batch(60, project=project)
    client.force_login(ada)
    told = client.get("/api/v1/sessions/").json()
    assert (told["count"], len(told["results"])) == (60, 50)
    told = client.get("/api/v1/sessions/?page_size=1000").json()
    assert len(told["results"]) == 60
    assert client.get("/api/v1/sessions/?page=9").status_code == 404


def test_a_filter_from_outside_the_list_is_refused(client, ada, project):
    client.force_login(ada)
    for query in ("project__memberships__person__password=a", "ordering=owner__password", "session__in=1"):
        assert client.get(f"/api/v1/layers/?{query}").status_code == 400
