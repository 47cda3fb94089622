"""The demo's judges: programs on this machine, asked once, and marked as such wherever their verdicts stand."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.db.models.signals import post_save

from evaluation import asking, panel
from evaluation.judge_files import cache_lines, run_lines
from evaluation.judging.endpoints import MARK
from evaluation.models import JudgeRun, Verdict
from mixassist_site import demo
from mixassist_site.jobs import State
from tests.evaluation.studies import study_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def judged(project, ada, monkeypatch):
    """A study that the demo's judges have judged, with no way out of this machine."""
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    study = study_of(project, items=2)
    with demo.scripted_judges():
        demo._judge_runs(study, ada)
    return study


def test_three_judges_judge_once_and_the_faults_of_two_are_found(judged, ada):
    found = panel.panel_of(judged)
    assert [judge.judge for judge in found.judges] == ["scripted-first", "scripted-good", "scripted-longest"]
    assert found.scored == found.attempted == 3 * 12
    flags = {judge.judge: " ".join(judge.flags) for judge in found.judges}
    assert "shown first" in flags["scripted-first"] and "shown first" not in flags["scripted-good"]
    assert "longer" in flags["scripted-longest"] and "longer" not in flags["scripted-good"]
    with demo.scripted_judges():
        demo._judge_runs(judged, ada)
    assert JudgeRun.objects.count() == 3


def test_a_judge_that_broke_off_goes_on_where_it_was_and_begins_anew_elsewhere(project, ada, monkeypatch):
    study = study_of(project, items=1)
    monkeypatch.setattr(demo, "JUDGES", ("scripted-good",))
    with demo.scripted_judges() as named, monkeypatch.context() as broken:
        broken.setattr(asking, "judge", lambda run, lease: 1 / 0)
        with pytest.raises(demo.DemoError):
            demo._judge_runs(study, ada)
        broken.undo()
        demo._judge_runs(study, ada)
        assert JudgeRun.objects.get().state == State.SUCCEEDED
        JudgeRun.objects.update(state=State.FAILED)
        port = int(named["scripted-good"]["base_url"].split(":")[2].split("/")[0])
        with demo.scripted_judges(port) as elsewhere:  # taken: any other will do
            assert elsewhere["scripted-good"]["base_url"] != named["scripted-good"]["base_url"]
            demo._judge_runs(study, ada)
        assert [run.state for run in JudgeRun.objects.order_by("pk")] == [State.FAILED, State.SUCCEEDED]


def test_what_they_judged_is_marked_on_pages_in_the_api_and_in_every_file(judged, ada, client):
    client.force_login(ada)
    run = JudgeRun.objects.get(judge="scripted-good")
    for address in (
        f"/studies/{judged.pk}/judges/", f"/studies/{judged.pk}/judges/panel/", f"/judge-runs/{run.pk}/",
        f"/api/v1/studies/{judged.pk}/judges/panel/",
    ):  # fmt: skip
        assert MARK in client.get(address).content.decode().replace("Scripted", "scripted"), address
    page = client.get(f"/studies/{judged.pk}/judges/panel/").content.decode()
    assert page.count(MARK) >= 3
    verdicts = client.get(f"/api/v1/judge-runs/{run.pk}/verdicts/").json()["results"]
    assert verdicts and all(each["is_scripted"] for each in verdicts)
    head, *calls = [json.loads(line) for line in run_lines(run)]
    assert (head["scripted"], head["note"]) == (True, MARK)
    assert calls and all(call["scripted"] for call in calls)
    kept = [json.loads(line) for line in cache_lines(judged.project)]
    assert {each["note"] for each in kept if each["type"] == "reply"} == {MARK}


def test_a_program_is_marked_by_its_answers_whatever_family_it_is_given(project, ada, settings):
    study = study_of(project, items=1)
    with demo.scripted_judges() as named:
        settings.JUDGE_ENDPOINTS = {"o3-mini": {**named["scripted-good"], "family": "openai", "model": "o3-mini"}}
        run = demo.judges.start(study, "o3-mini", demo.judges.Options(probes=0, repeats=0))
        assert not run.is_scripted
        marked = []

        def look(instance, **_):
            marked.append(JudgeRun.objects.get(pk=instance.call.run_id).is_scripted)

        post_save.connect(look, sender=Verdict)
        try:
            demo._work(run, demo.judging.judge_study)
        finally:
            post_save.disconnect(look, sender=Verdict)
    run.refresh_from_db()
    assert marked and all(marked)  # from the first verdict on
    assert run.is_scripted
    assert panel.panel_of(study).scripted == ["o3-mini"]


def test_from_the_shell_it_prints_its_line_for_the_settings_and_answers_on_this_machine_alone():
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    command = [sys.executable, "-m", "evaluation.judging.scripted"]
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        named = json.loads(child.stdout.readline())
        assert set(named) == {"scripted-good", "scripted-longest", "scripted-first", "scripted-obedient"}
        address = named["scripted-good"]["base_url"]
        assert address.startswith("http://127.0.0.1:")
        for body in (b"x", b"[]", b"{}", b'{"messages": 1}'):
            with pytest.raises(urllib.error.HTTPError, match="400"):
                urllib.request.urlopen(f"{address}/chat/completions", data=body, timeout=5)
        port = int(address.split(":")[2].split("/")[0])
        with socket.socket() as other, pytest.raises(OSError):
            other.settimeout(0.5)
            other.connect(("127.0.0.2", port))  # it listens at the one address
    finally:
        child.kill()
        child.wait()
