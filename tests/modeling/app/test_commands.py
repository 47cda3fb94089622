"""The shell's way to runs, candidates and bases."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from mixassist_site import jobs
from mixassist_site.jobs import JobError, State
from modeling import bases
from modeling.models import Adapter, BaseModel, Candidate, Generation, TrainingRun
from tests.modeling.app.things import frozen, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot(project):
    return frozen(project)


def told(*arguments: str) -> dict:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_a_run_is_queued_by_the_snapshots_name_or_id(snapshot):
    for words in ("mini", str(snapshot.pk)):
        report = told("train", words, "--base", "tiny", "--set", "rank=4", "--set", "schedule=constant")
        assert report["state"] == "queued"
        assert report["adapter"] is None
        run = TrainingRun.objects.get(pk=report["run"])
        assert run.config == {"rank": 4, "schedule": "constant"}
    assert [run.name for run in TrainingRun.objects.all()] == ["mini on tiny", "mini on tiny 2"]


def test_options_come_from_a_file_and_are_overridden_one_by_one(snapshot, tmp_path):
    (tmp_path / "options.toml").write_text("rank = 4\nlearning_rate = 0.01\n")
    told("train", "mini", "--base", "tiny", "--config", str(tmp_path / "options.toml"), "--set", "rank=2")
    assert TrainingRun.objects.get().config == {"rank": 2, "learning_rate": 0.01}


def test_waiting_works_the_run_here_and_reports_it(snapshot, monkeypatch):
    def work(run, lease):
        with lease.publication(record={"steps": 80, "first_loss": 6.5, "last_loss": 0.5}):
            Adapter.objects.create(run=run, name=run.name, sha256="a" * 64, folder="1-1")

    from modeling import execute  # noqa: F401 – the real work is registered first

    monkeypatch.setitem(jobs._work, TrainingRun, work)
    report = told("train", "mini", "--base", "tiny", "--wait")
    run = TrainingRun.objects.get()
    assert report == {
        "run": run.pk, "state": "succeeded", "steps": 80, "first_loss": 6.5, "last_loss": 0.5,
        "adapter": run.adapter.pk, "adapter_sha256": "a" * 64,
    }  # fmt: skip


def test_a_run_that_fails_while_one_waits_says_so_in_its_own_sentence(snapshot, monkeypatch):
    def refuse(run, lease):
        raise JobError("diverged", "The loss is no number at step 3; lower the learning rate.")

    from modeling import execute  # noqa: F401

    monkeypatch.setitem(jobs._work, TrainingRun, refuse)
    with pytest.raises(CommandError, match="lower the learning rate"):
        call_command("train", "mini", "--base", "tiny", "--wait")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "nothing", "--base", "tiny"], "There is no snapshot nothing"),
        (["train", "mini", "--base", "nonsense"], "There is no base model nonsense"),
        (["train", "mini", "--base", "tiny", "--set", "rnak=4"], "There is no training option rnak"),
        (["train", "mini", "--base", "tiny", "--set", "rank"], "Write --set name=value"),
        (["train", "mini", "--base", "tiny", "--config", "/nowhere.json"], "can't be read"),
        (["generate", "mini", "--adapter", "nothing"], "There is no adapter nothing"),
        (["generate", "mini", "--expert", "-k", "0"], ""),
        (["generate", "mini", "--base", "tiny", "-k", "99"], "Ask for 1 to 16 answers"),
    ],
)
def test_what_will_not_do_is_said_in_one_line(snapshot, arguments, reason):
    if reason:
        with pytest.raises(CommandError, match=reason) as told_why:
            call_command(*arguments)
        assert "\n" not in str(told_why.value)
        assert not TrainingRun.objects.exists() and not Generation.objects.exists()
    else:
        call_command(*arguments, stdout=StringIO())  # the expert answers once, whatever is asked


def test_a_name_that_two_projects_use_is_asked_for_by_id(snapshot, sam):
    frozen(sam.memberships.get().project, name="theirs")
    type(snapshot).objects.update(name="mini")
    with pytest.raises(CommandError, match="More than one snapshot is called mini; give its id"):
        call_command("train", "mini", "--base", "tiny")


@pytest.mark.django_db(transaction=True)
def test_the_expert_is_quoted_while_one_waits(snapshot):
    report = told("generate", "mini", "--expert", "--wait")
    generation = Generation.objects.get()
    assert report == {"generation": generation.pk, "state": "succeeded", "candidates": 4}
    assert Candidate.objects.count() == 4


def test_an_adapter_is_named_by_name(snapshot):
    run = run_of(snapshot, name="spring", state=State.SUCCEEDED)
    adapter = Adapter.objects.create(run=run, name="spring", sha256="a" * 64, folder="1-1")
    told("generate", "mini", "--adapter", "spring", "-k", "3", "--seed", "9", "--temperature", "0.2")
    generation = Generation.objects.get()
    assert (generation.adapter, generation.answers, generation.seed) == (adapter, 3, 9)
    assert generation.decoding == {"temperature": 0.2}


def test_a_base_is_registered_once(tmp_path):
    call_command("add_base", "qwen2-audio", "Qwen/Qwen2-Audio-7B-Instruct", "--revision", "abc", stdout=StringIO())
    base = BaseModel.objects.get(key="qwen2-audio")
    assert (base.location, base.revision) == ("Qwen/Qwen2-Audio-7B-Instruct", "abc")
    for key, location, reason in (
        ("qwen2-audio", "Qwen/Another", "already stands for"),
        ("tiny", "Qwen/Another", "won't do"),
        ("a b", "Qwen/Another", "won't do"),
        ("other", "not there", "neither a directory nor a hub id"),
        ("other", str(tmp_path), "holds no config.json"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command("add_base", key, location)


def test_the_shell_may_name_a_directory_that_becomes_a_base(snapshot, tmp_path):
    folder = tmp_path / "My.Model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen2_audio"}')
    for _ in range(2):
        told("train", "mini", "--base", str(folder))
    base = BaseModel.objects.get(key="my-model")
    assert base.location == str(folder)
    assert bases.request_of(base) == {"kind": "qwen2_audio", "key": "my-model", "path": str(folder), "revision": None}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ('{"model_type": "musicflamingo"}', "Music Flamingo can't be opened here"),
        ('{"model_type": "bert"}', "No audio language model of type bert"),
        ('{"model_type": "qwen2_audio", "architectures": ["Other"]}', "The checkpoint is a Other"),
        ("[1, 2]", "can't be read"),
        ("torn", "can't be read"),
    ],
)
def test_a_base_that_could_never_be_opened_is_refused_at_once(db, tmp_path, config, reason):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CommandError, match=reason):
        call_command("add_base", "new", str(tmp_path))
    assert not BaseModel.objects.filter(key="new").exists()


def test_windows_are_refused_for_a_base_that_hears_one_clip(snapshot, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "audioflamingo3"}')
    call_command("add_base", "flamingo", str(tmp_path), stdout=StringIO())
    with pytest.raises(CommandError, match="hears one clip at a time, so over_long can't be windows"):
        call_command("train", "mini", "--base", "flamingo", "--set", "over_long=windows")
