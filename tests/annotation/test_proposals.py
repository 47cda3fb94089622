"""Two microphones make a layer of two lanes: a job that anybody sees, and an administrator starts and stops."""

import pytest

from annotation import execute
from annotation.launch import start_proposal
from annotation.models import LaneProposal, Layer
from mixassist_site.jobs import JobError, State
from tests.annotation.audio.sounds import write
from tests.annotation.audio.test_speakers import RATE, microphones
from tests.factories import RecordingFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(project):
    return SessionFactory(project=project, length_ms=18_500)


@pytest.fixture
def pair(session):
    """The amateur's microphone, which begins two seconds before the session does, and the expert's."""
    spans = ([(3_000, 5_000)], [(6_000, 9_000), (18_000, 20_000)])
    made = []
    for number, sound in enumerate(microphones(spans, seconds=21, late_ms=(0, 2000))):
        recording = RecordingFactory(session=session, offset_ms=(-2000, 0)[number], name=f"mic {number}.wav")
        recording.path.parent.mkdir(parents=True, exist_ok=True)
        write(recording.path, sound, RATE)
        made.append(recording)
    return made


def test_two_microphones_make_a_layer_of_two_lanes(session, pair, ada, ana, client):
    client.force_login(ada)
    form = {"amateur": pair[0].pk, "expert": pair[1].pk}
    assert [client.post(f"/sessions/{session.pk}/proposals/", form).url for _ in range(2)] == [
        f"/sessions/{session.pk}/"
    ] * 2
    job = LaneProposal.objects.get()
    assert execute.propose_lanes(job)
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED, job.error_message
    layer = job.layer
    assert (layer.kind, layer.state, layer.owner) == ("model", "submitted", None)
    found = list(layer.segments.values_list("lane", "start_ms", "end_ms"))
    near = [(lane, round(start, -2), round(end, -2)) for lane, start, end in found]
    assert near == [("amateur", 1_000, 3_000), ("expert", 4_000, 7_000), ("expert", 16_000, 18_000)]
    assert "mic 0.wav" in layer.provenance["microphones"]["amateur"]
    client.force_login(ana)
    assert "Who speaks when" in client.get("/jobs/").content.decode()
    assert client.get(f"/layers/{layer.pk}/report/").status_code == 200


def test_what_cant_be_told_apart_is_the_jobs_sentence_and_makes_nothing(session, pair):
    write(pair[1].path, microphones(([(1000, 5000)], [(6000, 9000)]), 10, bleed_db=0)[0], RATE)
    write(pair[0].path, microphones(([(1000, 5000)], [(6000, 9000)]), 10, bleed_db=0)[0], RATE)
    pair[0].place("mixed", 0)
    job = start_proposal(session, *pair, by=None)
    execute.propose_lanes(job)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "not-apart")
    assert not Layer.objects.exists()


def test_one_recording_is_not_two(session, pair, ada, client):
    with pytest.raises(JobError):
        start_proposal(session, pair[0], pair[0], by=None)
    client.force_login(ada)
    answer = client.post(f"/sessions/{session.pk}/proposals/", {"amateur": pair[0].pk, "expert": pair[0].pk})
    assert answer.status_code == 400
    assert "Choose two recordings" in answer.content.decode()
    other = RecordingFactory()
    answer = client.post(f"/sessions/{session.pk}/proposals/", {"amateur": pair[0].pk, "expert": other.pk})
    assert answer.status_code == 400
    assert not LaneProposal.objects.exists()


def test_it_is_offered_where_there_are_two_microphones(session, pair, ada, ana, client):
    client.force_login(ada)
    assert "Lay out both lanes" in client.get(f"/sessions/{session.pk}/").content.decode()
    pair[1].place("daw", 0)
    assert "Lay out both lanes" not in client.get(f"/sessions/{session.pk}/").content.decode()
    client.force_login(ana)
    assert client.post(f"/sessions/{session.pk}/proposals/", {}).status_code == 403


def test_cancelled_while_it_listens_it_makes_nothing(session, pair):
    job = start_proposal(session, *pair, by=None)
    job.request_cancel()
    assert not execute.propose_lanes(job)
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert not Layer.objects.exists()
