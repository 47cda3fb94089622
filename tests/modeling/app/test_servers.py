"""Answers of a configured server: asked at one address alone, with the clip, once for each hole."""

import base64
import io
import json

import pytest
import soundfile

from mixassist_site import jobs
from mixassist_site.jobs import State, next_job
from modeling import execute, launch, workers
from modeling.models import Candidate, Generation
from modeling.training.examples import read_split
from tests.modeling.app.things import frozen, generation_of, run_of

pytestmark = pytest.mark.django_db
KEY = "sk-very-secret"


@pytest.fixture
def snapshot(project):
    return frozen(project)


@pytest.fixture
def server(pretend_model, settings, monkeypatch):
    """A server called vllm that answers, and that wants a key."""
    monkeypatch.setenv("VLLM_KEY", KEY)
    monkeypatch.setattr("modeling.generation.endpoint.TRIES", 1)
    entry = {"base_url": pretend_model.address, "model": "qwen", "api_key_env": "VLLM_KEY", "max_parallel": 2}
    settings.ANSWER_ENDPOINTS = {"vllm": entry}
    return pretend_model


def worked(snapshot, **fields) -> Generation:
    generation = generation_of(snapshot, **{"source": "endpoint", "base": None, "name": "vllm", **fields})
    execute.generate(generation)
    generation.refresh_from_db()
    return generation


def bodies(server) -> list[dict]:
    return [json.loads(body) for _, _, body in server.asked]


def test_each_row_is_asked_with_its_clip_and_a_seed_of_its_own(snapshot, server):
    generation = worked(snapshot, answers=2, seed=5, decoding={"temperature": 0.5, "max_turns": 1})
    assert (generation.state, generation.candidates.count()) == (State.SUCCEEDED, 8), generation.error_message
    assert set(generation.candidates.values_list("text", flat=True)) == {"They listened to the kick."}
    sent = bodies(server)
    assert len({body["seed"] for body in sent}) == len(sent) == 8
    assert set(generation.candidates.values_list("seed", flat=True)) == {body["seed"] for body in sent}
    clips = [part for body in sent for part in body["messages"][-1]["content"] if part["type"] == "input_audio"]
    assert len(clips) == 8
    data, rate = soundfile.read(io.BytesIO(base64.b64decode(clips[0]["input_audio"]["data"])))
    assert (rate, data.ndim, len(data) > rate) == (16_000, 1, True)
    assert max(len(body["messages"]) for body in sent) == 3  # one earlier turn and the question
    assert {headers["Authorization"] for _, headers, _ in server.asked} == {f"Bearer {KEY}"}
    assert generation.record["model"] == "qwen" and generation.record["snapshot_hash"] == snapshot.content_hash
    assert KEY not in json.dumps(generation.record)


def test_a_clip_that_is_too_long_is_cut_as_was_chosen(snapshot, server):
    generation = worked(snapshot, decoding={"max_audio_seconds": 1.0, "over_long": "windows"})
    assert set(generation.candidates.values_list("audio_kept", flat=True)) == {"windows"}
    last = bodies(server)[-1]["messages"][-1]["content"]
    assert [part["type"] for part in last].count("input_audio") >= 2


def test_a_clip_that_cannot_be_sent_costs_its_own_row_alone(snapshot, server):
    row = next(example for example in read_split(snapshot.path, "test") if example.audio)
    row.audio.write_bytes(b"no sound")
    generation = worked(snapshot, answers=2)
    assert (generation.state, generation.candidates.filter(row=row.row).count()) == (State.SUCCEEDED, 0)
    assert generation.candidates.count() == 6 and len(server.asked) == 6
    [refused] = generation.record["refused"]
    assert (refused["row"], refused["code"]) == (row.row, "clip-unreadable")
    assert generation.record["rows"] == 3


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (302, {"Location": "http://127.0.0.1:9/elsewhere"}, b"", "refused"),
        (401, {}, b'{"error": "key sk-very-secret is wrong"}', "refused"),
        (500, {}, b"a private stack trace", "refused"),
        (200, {}, b"no JSON, a private page", "malformed"),
        (200, {}, b'{"choices": []}', "malformed"),
        (200, {}, b'{"choices": [{"message": {"content": 3}}]}', "malformed"),
    ],
)
def test_a_server_that_does_not_answer_fails_the_job_in_one_sentence(snapshot, server, status, headers, body, code):
    server.status, server.headers, server.body = status, headers, body
    generation = worked(snapshot)
    assert (generation.state, generation.error_code) == (State.FAILED, code)
    told = generation.error_message
    assert told.endswith(".") and "secret" not in told and "private" not in told
    assert not generation.candidates.exists()
    assert len(server.asked) <= 2  # as many as it may be asked at once, and nowhere else


def test_workers_without_a_gpu_ask_servers_and_quote_experts(snapshot, server):
    model = generation_of(snapshot)
    asks = generation_of(snapshot, source="endpoint", base=None, name="vllm")
    quotes = generation_of(snapshot, source="expert", base=None)
    assert [one.queue for one in (model, asks, quotes)] == ["gpu", "cpu", "cpu"]
    assert [next_job({"cpu"}), next_job({"gpu"}), next_job({"cpu", "gpu"})] == [asks, model, model]
    assert {each["name"]: each["waiting"] for each in workers.queues()} == {"cpu": 2, "gpu": 1}
    while job := next_job({"cpu"}):
        jobs.execute(job)
    assert {each["name"]: each["waiting"] for each in workers.queues()} == {"cpu": 0, "gpu": 1}
    assert quotes.candidates.exists() and asks.candidates.exists()


def test_what_was_answered_stays_and_the_holes_are_filled(snapshot, server):
    whole = worked(snapshot, seed=3)
    half = generation_of(snapshot, source="endpoint", base=None, name="vllm", seed=3)
    for candidate in whole.candidates.all()[:3]:
        candidate.pk, candidate.generation, candidate.text = None, half, "As it was."
        candidate.save(force_insert=True)
    server.asked.clear()
    execute.generate(half)
    half.refresh_from_db()
    assert (half.state, len(server.asked)) == (State.SUCCEEDED, 1)
    assert half.candidates.filter(text="As it was.").count() == 3
    assert half.candidates.count() == 4


def test_an_odd_answer_is_asked_for_once_more_from_another_seed(snapshot, server):
    server.said = ""
    generation = worked(snapshot, decoding={"temperature": 0.5})
    assert len(server.asked) == 8
    assert {body["seed"] for body in bodies(server)} > set(generation.candidates.values_list("seed", flat=True))
    assert all(one.guards == one.redrawn == ["empty"] for one in generation.candidates.all())


def test_a_server_without_its_key_or_without_its_entry_is_named(snapshot, server, settings, monkeypatch):
    monkeypatch.delenv("VLLM_KEY")
    generation = worked(snapshot)
    assert (generation.error_code, "VLLM_KEY" in generation.error_message) == ("no-key", True)
    settings.ANSWER_ENDPOINTS = {"other": {"base_url": "ftp://x", "model": "m"}}
    assert worked(snapshot).error_code == "unknown-server"
    assert worked(snapshot, name="other").error_code == "bad-server"
    assert server.asked == []


def test_a_server_is_chosen_on_the_form_and_by_scripts(snapshot, server, ada, client):
    client.force_login(ada)
    page = client.get("/projects/songs/generations/new/").content.decode()
    assert 'value="endpoint:vllm"' in page and KEY not in page
    form = {"snapshot": snapshot.pk, "split": "test", "source": "endpoint:vllm", "answers": "1", "seed": "0",
            "over_long": "windows", "max_turns": "2", "key": "6f1b5a36-6c7e-4a52-9f0b-5b7b0e8b1a02"}  # fmt: skip
    assert client.post("/projects/songs/generations/new/", form).status_code == 302
    made = Generation.objects.get()
    assert (made.source_name, made.decoding) == ("vllm", {"over_long": "windows", "max_turns": 2})
    body = {"snapshot": snapshot.pk, "source": "endpoint", "server": "nobody"}
    answer = client.post("/api/v1/generations/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown-server")
    body["server"] = "vllm"
    assert client.post("/api/v1/generations/", body, content_type="application/json").json()["source_name"] == "vllm"


def test_a_servers_name_is_nobody_elses(snapshot):
    run_of(snapshot, name="vllm")
    with pytest.raises(launch.LaunchError, match="adapter of this project is called vllm"):
        launch.start_generation(project=snapshot.project, snapshot=snapshot, source="endpoint", server="vllm")
    assert not Candidate.objects.exists()


def test_an_adapter_is_shown_what_its_training_showed_it(snapshot):
    from modeling.models import Adapter

    taught = {"max_tokens": 900, "over_long": "head", "max_turns": 3, "summaries": False, "learning_rate": 1.0}
    run = run_of(snapshot, name="spring", record={"config": taught})
    adapter = Adapter.objects.create(run=run, name="spring", sha256="a" * 64, folder="1-1")
    generation = generation_of(snapshot, source="adapter", adapter=adapter, decoding={"max_turns": 1}, seed=4)
    assert execute.decode_options(generation) == {
        "max_tokens": 900, "over_long": "head", "max_turns": 1, "summaries": False, "candidates": 1, "seed": 4
    }  # fmt: skip
    assert execute.decode_options(generation_of(snapshot)) == {"candidates": 1, "seed": 0}
