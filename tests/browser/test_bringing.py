"""Ada brings a transcript through the page: she looks, says who is whom, looks again, and makes the layer."""

import pytest
from playwright.sync_api import expect

from annotation.models import Layer
from tests.annotation.test_bringing import SPOKEN, grid
from tests.factories import SessionFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_transcript_is_looked_at_mapped_and_made_a_layer(page, log_in, ada, project, tmp_path):
    session = SessionFactory(project=project, length_ms=60_000)
    (tmp_path / "talk.TextGrid").write_bytes(grid(SPOKEN))
    log_in(ada)
    page.goto(session.get_absolute_url())
    page.get_by_label("Transcript").set_input_files(tmp_path / "talk.TextGrid")
    page.get_by_role("button", name="Bring it in").click()
    page.get_by_role("heading", name="What would come of talk.TextGrid").wait_for()
    expect(page.get_by_label("S2")).to_have_value("expert")
    page.get_by_label("S1").select_option("expert")
    page.get_by_label("S2").select_option("amateur")
    page.get_by_label("Door").select_option("note")
    page.get_by_role("button", name="See what would come").click()
    page.get_by_text("4 segments: amateur 2, expert 1, note 1").wait_for()
    expect(page.get_by_label("Door")).to_have_value("note")
    assert not Layer.objects.exists()
    page.get_by_role("button", name="Make the layer").click()
    page.get_by_role("heading", name="Report of talk.TextGrid").wait_for()
    layer = Layer.objects.get()
    assert list(layer.segments.values_list("lane", flat=True)) == ["expert", "amateur", "amateur", "note"]
    page.go_back()  # leads to what has come of it
    page.get_by_role("heading", name="Report of talk.TextGrid").wait_for()
    assert Layer.objects.count() == 1
