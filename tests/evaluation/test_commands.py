"""Studies from the shell."""

import json
import sqlite3
from contextlib import closing

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from evaluation import simulation
from evaluation.models import Assignment, Study
from tests.evaluation.studies import answers, frozen, study_of


def last_line(capsys, *words):
    call_command(*words)
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


@pytest.fixture
def snapshot(project):
    made = frozen(project)
    answers(made, "expert")
    answers(made, "adapter", "evening-1")
    return made


def test_create_study_opens_it_and_gives_a_link_to_each_rater(snapshot, client, capsys):
    told = last_line(
        capsys, "create_study", snapshot.name, "--contenders", "expert,evening-1", "--raters", "3", "--json"
    )
    study = Study.objects.get(pk=told["study"])
    assert (study.is_open, told["items"], told["comparisons"], told["contenders"]) == (
        True,
        6,
        6,
        ["expert", "evening-1"],
    )
    assert len(told["raters"]) == 3
    assert client.get(told["raters"][0]["link"]).status_code == 200


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing", "--contenders", "expert,evening-1", "--raters", "3"], "There is no frozen snapshot nothing."),
        (["evening", "--contenders", "expert,zoe", "--raters", "3"], "zoe has no finished answers"),
        (["evening", "--contenders", "expert", "--raters", "3"], "at least two contenders"),
        (["evening", "--contenders", "expert,evening-1", "--raters", "0"], "between 1 and"),
        (["evening", "--contenders", "expert,evening-1", "--raters", "3", "--seed", "-5"], "seed"),
        (["evening", "--contenders", "expert,evening-1", "--raters", "3", "--title", "t" * 201], "200 characters"),
        (["9" * 5000, "--contenders", "expert,evening-1", "--raters", "3"], "There is no frozen snapshot"),
        (["a\x00b", "--contenders", "expert,evening-1", "--raters", "3"], "There is no frozen snapshot"),
    ],
)
def test_what_cannot_be_made_ends_with_one_line(snapshot, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("create_study", *words)
    assert not Study.objects.exists()


def test_study_report_as_json_has_the_contract_s_keys(project, capsys):
    study = study_of(project)
    told = last_line(capsys, "study_report", str(study.pk), "--json")
    keys = {"name", "wins", "losses", "both_good", "both_bad", "share", "low", "high", "strength"}
    assert all(keys <= set(each) for each in told["contenders"])
    assert {"pairs", "raters", "input_hash", "code_version"} <= set(told)


def test_study_report_as_one_file(project, tmp_path, capsys):
    study = study_of(project)
    out = tmp_path / "report.html"
    call_command("study_report", str(study.pk), "--html", str(out))
    assert out.read_text().startswith("<!doctype html>")
    with pytest.raises(CommandError, match="can't be written"):
        call_command("study_report", str(study.pk), "--html", str(tmp_path / "no" / "where.html"))


def test_study_report_for_a_terminal(project, capsys):
    call_command("study_report", str(study_of(project).pk))
    assert "Nobody has voted yet" in capsys.readouterr().out


def test_simulate_study_prints_the_balance_and_leaves_nothing(project, capsys):
    study = study_of(project, opened=False)
    words = ["simulate_study", str(study.pk), "--raters", "4", "--dropout", "0.2", "--seed", "1", "--json"]
    told = last_line(capsys, *words)
    assert set(told) == {"cells", "items", "left_share", "repeat_views", "lost", "doubled"}
    assert set(told["left_share"]) == {"expert", "tiny", "evening-1"}
    assert told == last_line(capsys, *words)
    study.refresh_from_db()
    assert study.is_draft
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("command", ["study_report", "simulate_study"])
def test_a_study_that_is_not_there_is_said_to_be_missing(db, command):
    more = ["--raters", "3"] if command == "simulate_study" else []
    with pytest.raises(CommandError, match="There is no study 99"):
        call_command(command, "99", *more)


def test_a_report_goes_to_a_file_or_says_why_not(project, tmp_path):
    study = study_of(project)
    for nowhere in (".", str(tmp_path / "no" / "such.html")):
        with pytest.raises(CommandError, match="can't be written"):
            call_command("study_report", str(study.pk), "--html", nowhere)
    with pytest.raises(CommandError, match="There is no study"):
        call_command("study_report", "9" * 30)


@pytest.mark.django_db(transaction=True)
def test_others_go_on_writing_while_a_study_is_simulated(project, capsys, monkeypatch):
    """The drill writes for seconds, and SQLite has one writer at a time."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL locks the study's row alone")
    study = study_of(project)
    live, written = connection.settings_dict["NAME"], []
    drill = simulation._drill

    def while_drilling(*words):
        with closing(sqlite3.connect(live, timeout=1)) as other:
            other.execute("BEGIN IMMEDIATE")
            written.append(other.execute("UPDATE evaluation_study SET title = 'Now'").rowcount)
            other.commit()
        return drill(*words)

    monkeypatch.setattr(simulation, "_drill", while_drilling)
    told = last_line(capsys, "simulate_study", str(study.pk), "--raters", "4", "--seed", "3", "--json")
    assert told["lost"] == told["doubled"] == 0
    assert written == [1]
    study.refresh_from_db()
    assert study.title == "Now"
    assert study.raters.count() == 3
