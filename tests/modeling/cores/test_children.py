"""The children keep their word: events, a checkpoint on SIGTERM, one adapter after a kill, an end with the parent."""

import random
import signal

import pytest

from modeling.training.examples import read_split

pytestmark = pytest.mark.torch
CONFIG = {"max_steps": 24, "examples_per_step": 5, "checkpoint_every": 4, "dropout": 0.1}


@pytest.fixture
def request_for(tiny_base, snapshot, tmp_path):
    def requester(name: str, **changes):
        base = {"kind": "tiny", "key": "tiny", "path": str(tiny_base), "revision": None}
        return {"base": base, "snapshot": str(snapshot), "config": CONFIG, "out": str(tmp_path / name)} | changes

    return requester


@pytest.fixture(scope="module")
def undisturbed(tiny_base, snapshot, tmp_path_factory):
    """The adapter of the same run in one go, in this process."""
    from modeling.backbones import audio_lm
    from modeling.training import loop
    from modeling.training.config import TrainingConfig

    out = tmp_path_factory.mktemp("undisturbed")
    config = TrainingConfig.from_dict(CONFIG, base_kind="tiny")
    run = loop.Run(base_key="tiny", snapshot=snapshot, config=config, out=out)
    return loop.train(run, audio_lm.load(tiny_base, device="cpu"), report=lambda event: None)


def test_killed_at_a_random_step_and_then_stopped_it_ends_with_the_same_adapter(
    start, request_for, undisturbed, tmp_path
):
    killed = start("modeling.training", request_for("one"))
    killed.until("step", step=random.randint(5, 18))
    killed.process.kill()
    assert killed.finish()[0] == -signal.SIGKILL

    stopped = start("modeling.training", request_for("two", resume_from=[str(tmp_path / "one")]))
    assert stopped.until("resumed")["step"] % 4 == 0
    stopped.until("step")
    stopped.process.terminate()
    code, events = stopped.finish()
    assert code == 3
    assert events[-1]["event"] == "stopped"
    assert [event for event in events if event["event"] == "checkpoint"][-1]["step"] == events[-1]["step"]

    code, events = start(
        "modeling.training", request_for("three", resume_from=[str(tmp_path / "one"), str(tmp_path / "two")])
    ).finish()
    assert code == 0
    assert [event["event"] for event in events[:4]] == ["started", "loaded", "cached", "resumed"]
    assert events[-1]["event"] == "saved"
    assert events[-1]["adapter_sha256"] == undisturbed["adapter_sha256"]
    assert events[-1]["last_loss"] == undisturbed["last_loss"]
    assert events[-1]["first_loss"] == undisturbed["first_loss"]


def test_it_ends_at_once_when_its_parent_is_gone(start, request_for):
    child = start("modeling.training", request_for("orphan", config=CONFIG | {"max_steps": 5000}))
    child.until("step")
    child.process.stdin.close()
    assert child.process.wait(timeout=10) == 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"config": {"learning_rat": 1}}, "unknown-config-key"),
        ({"base": {"kind": "tiny"}}, "bad-request"),
        ({"snapshot": "/nowhere"}, "snapshot-unreadable"),
        ({"out": None}, "bad-request"),
    ],
)
def test_a_wrong_request_is_told_before_torch_is_loaded(start, request_for, changes, code):
    exit_code, events = start("modeling.training", request_for("x", **changes)).finish()
    assert exit_code == 1
    assert (events[-1]["event"], events[-1]["code"]) == ("error", code)
    assert events[-1]["message"].endswith(".")


def test_a_missing_tiny_base_is_made(start, request_for, tmp_path):
    base = {"kind": "tiny", "key": "tiny", "path": str(tmp_path / "bases" / "tiny")}
    code, events = start("modeling.training", request_for("a", base=base, config={"max_steps": 1})).finish()
    assert (code, events[-1]["event"]) == (0, "saved")


def test_candidates_stream_and_holes_are_filled(start, request_for, learnt, uneven, tmp_path):
    request = request_for("unused") | {
        "snapshot": str(uneven),
        "split": "train",
        "sources": [{"key": "base"}, {"key": "a", "adapter": str(learnt[1] / "adapter")}],
        "config": {"max_new_tokens": 40, "tokens_per_batch": 1500},
        "cache": {"folder": str(tmp_path / "rows"), "bytes": 10**9},
    }
    stopped = start("modeling.generation", request)
    made = [stopped.until("candidate")]
    stopped.process.terminate()
    code, events = stopped.finish()
    made += [event for event in events if event["event"] == "candidate"]
    assert code == 3
    assert events[-1]["event"] == "stopped"
    assert len(made) < 16

    skip = [[event["row"], event["source"], event["index"]] for event in made]
    code, events = start("modeling.generation", request | {"skip": skip}).finish()
    more = [event for event in events if event["event"] == "candidate"]
    assert (code, events[-1]) == (0, events[-1] | {"event": "done", "candidates": 16 - len(made)})
    assert len({(event["row"], event["source"]) for event in made + more}) == 16
    clips = [example for example in read_split(uneven, "train") if example.audio]
    assert len(list((tmp_path / "rows").rglob("*.safetensors"))) == len(clips)


def test_a_question_of_its_own_is_answered(start, request_for, uneven):
    examples = [
        {"row": "ask/1", "user": "Is the mix muddy?", "audio": str(next(uneven.glob("audio/**/*.wav")))},
        {"row": "ask/2"},
    ]
    request = request_for("unused") | {
        "examples": examples, "sources": [{"key": "base"}], "config": {"max_new_tokens": 5, "candidates": 2}
    }  # fmt: skip
    code, events = start("modeling.generation", request).finish()
    by_name = {event["event"]: event for event in events}
    assert code == 0
    assert by_name["planned"]["refused"][0]["row"] == "ask/2"
    assert by_name["done"]["candidates"] == 2
