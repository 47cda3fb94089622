"""Answers of the expert, a base and an adapter: each row once, and the way back to how it came about."""

import pytest

from mixassist_site.jobs import State
from modeling import execute
from modeling.models import Candidate, Generation
from tests.modeling.app.things import frozen, generation_of, run_of
from tests.modeling.cores.miniature import rows_of

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = {"max_new_tokens": 8, "temperature": 0.8}


@pytest.fixture
def snapshot(project):
    return frozen(project)


def answers(generation: Generation) -> list[tuple]:
    return list(generation.candidates.values_list("row", "index", "text", "seed", "prompt_sha256", "stop_reason"))


def test_the_expert_is_quoted_and_silence_is_left_out(project):
    rows = rows_of("test", 4)
    rows[2]["assistant"] = None
    snapshot = frozen(project, splits={"train": rows_of("train", 4), "test": rows})
    generation = generation_of(snapshot, source="expert", base=None)
    assert execute.generate(generation)
    generation.refresh_from_db()
    assert (generation.state, generation.done, generation.total) == (State.SUCCEEDED, 3, 3)
    said = dict(generation.candidates.values_list("row", "text"))
    assert said == {f"test/test-c0/{row['turn_id']}": row["assistant"] for row in rows if row["assistant"]}
    assert generation.record["silent"] == 1
    assert generation.record["snapshot_hash"] == snapshot.content_hash


def test_a_split_without_an_expert_has_no_candidates(project):
    rows = [{**row, "assistant": None} for row in rows_of("test", 2)]
    snapshot = frozen(project, splits={"train": rows_of("train", 4), "test": rows})
    generation = generation_of(snapshot, source="expert", base=None)
    execute.generate(generation)
    generation.refresh_from_db()
    assert (generation.state, generation.error_code) == (State.FAILED, "no-candidates")


def test_lost_files_are_told_in_a_sentence(snapshot):
    (snapshot.path / "manifest.json").unlink()
    generation = generation_of(snapshot, source="expert", base=None)
    execute.generate(generation)
    generation.refresh_from_db()
    assert (generation.state, generation.error_code) == (State.FAILED, "snapshot-unreadable")


@pytest.mark.torch
def test_answers_that_are_stored_are_not_made_again_and_the_others_are_the_same(snapshot):
    whole = generation_of(snapshot, answers=2, decoding=SHORT, seed=5)
    execute.generate(whole)
    whole.refresh_from_db()
    assert (whole.state, whole.candidates.count()) == (State.SUCCEEDED, 8), whole.error_message
    assert {row for row, *_ in answers(whole)} == {f"test/test-c0/{turn}" for turn in range(4)}
    assert whole.record["base_revision"] and whole.record["adapter_sha256"] is None

    half = generation_of(snapshot, answers=2, decoding=SHORT, seed=5)
    stored = list(whole.candidates.all()[:3])
    for candidate in stored:
        candidate.pk, candidate.generation, candidate.latency_ms = None, half, 4321
    Candidate.objects.bulk_create(stored)
    execute.generate(half)
    half.refresh_from_db()
    assert half.state == State.SUCCEEDED
    assert answers(half) == answers(whole)
    assert half.candidates.filter(latency_ms=4321).count() == 3


@pytest.mark.torch
def test_an_adapter_answers_and_a_changed_file_is_refused(snapshot):
    run = run_of(snapshot, config={"max_steps": 2, "examples_per_step": 2})
    execute.train(run)
    run.refresh_from_db()
    generation = generation_of(snapshot, source="adapter", adapter=run.adapter, decoding={"max_new_tokens": 4})
    execute.generate(generation)
    generation.refresh_from_db()
    assert generation.state == State.SUCCEEDED, generation.error_message
    assert generation.record["adapter_sha256"] == run.adapter.sha256
    assert generation.candidates.count() == 4

    type(run.adapter).objects.filter(pk=run.adapter.pk).update(sha256="0" * 64)
    again = generation_of(snapshot, source="adapter", adapter=run.adapter, decoding={"max_new_tokens": 4})
    execute.generate(again)
    again.refresh_from_db()
    assert (again.state, again.error_code) == (State.FAILED, "adapter-changed")
    assert not again.candidates.exists()
