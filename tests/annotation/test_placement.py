"""Several recordings of one session: what each holds, and when it begins."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.models import Ingest
from tests.annotation.audio.sounds import music, write
from tests.factories import LayerFactory, RecordingFactory, SegmentFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(project):
    session = SessionFactory(project=project, length_ms=60_000)
    RecordingFactory(session=session, length_ms=60_000)
    return RecordingFactory(session=session, length_ms=30_000, name="daw.wav")


def place(client, recording, **told):
    return client.post(f"/recordings/{recording.pk}/placement/", {"kind": "daw", "begins": "0", **told}, follow=True)


@pytest.mark.parametrize(
    ("typed", "offset"), [("1.5", 1500), ("1:02,25", 62_250), ("1:00:00", 3_600_000), ("−0.75", -750), ("-2", -2000)]
)
def test_a_recording_is_placed_on_the_sessions_clock(client, ada, recording, typed, offset):
    client.force_login(ada)
    answer = place(client, recording, begins=typed)
    assert answer.status_code == 200
    assert "daw.wav has its place." in answer.text
    recording.refresh_from_db()
    assert (recording.kind, recording.offset_ms) == ("daw", offset)
    assert Ingest.objects.get(recording=recording).makes == "levels", "playback is told anew"


def test_a_session_grows_to_the_end_of_what_is_placed_and_never_shrinks(client, ada, recording):
    client.force_login(ada)
    place(client, recording, begins="45")
    recording.session.refresh_from_db()
    assert recording.session.length_ms == 75_000
    place(client, recording, begins="0")
    recording.session.refresh_from_db()
    assert recording.session.length_ms == 75_000


@pytest.mark.parametrize("typed", ["", "soon", "1:2:3:4", "25:00:00", "1e5", "\x00", "٣"])
def test_what_is_no_time_is_said_beside_the_field_and_kept(client, ada, recording, typed):
    client.force_login(ada)
    answer = place(client, recording, begins=typed)
    assert answer.status_code == 400
    assert "errors" in answer.text
    recording.refresh_from_db()
    assert (recording.kind, recording.offset_ms) == ("mixed", 0)


def test_moving_what_somebody_has_cut_already_warns(client, ada, ana, recording):
    SegmentFactory(layer=LayerFactory(session=recording.session, owner=ana))
    client.force_login(ada)
    assert "listen whether they still fit" in place(client, recording, begins="2").text
    assert "listen whether they still fit" not in place(client, recording, begins="2", kind="dialogue").text


def test_only_who_brings_sessions_places_them(client, ana, sam, recording):
    client.force_login(ana)
    assert place(client, recording).status_code == 403
    client.force_login(sam)
    assert place(client, recording).status_code == 404


def test_a_second_recording_joins_its_session(client, ada, recording, tmp_path):
    client.force_login(ada)
    session = recording.session
    page = client.get(f"/projects/{session.project.slug}/uploads/?session={session.pk}")
    assert f'name="session" value="{session.pk}"' in page.text
    path = write(tmp_path / "third.wav", music(0.5))
    file = SimpleUploadedFile("third.wav", path.read_bytes())
    answer = client.post(f"/projects/{session.project.slug}/uploads/", {"session": session.pk, "file": file})
    assert answer.url == session.get_absolute_url()
    assert session.recordings.count() == 3
    assert Ingest.objects.filter(recording__name="third.wav").exists()


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "999999"])
def test_a_session_that_is_not_there_is_404(client, ada, project, number):
    client.force_login(ada)
    assert client.get(f"/projects/{project.slug}/uploads/?session={number}").status_code == 404
