"""How a study is made, frozen and opened."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from evaluation import protocol
from evaluation.errors import StudyError
from evaluation.models import Comparison, Rater, Response, Study
from modeling.models import Candidate
from tests.evaluation.studies import answers, frozen, rows_of, study_of


def test_every_unordered_pair_is_compared_on_every_item(study):
    assert study.items.count() == 6
    assert Comparison.objects.filter(item__study=study).count() == 6 * 3
    assert Response.objects.filter(item__study=study).count() == 6 * 3


def test_the_context_holds_what_was_said_before_and_never_the_answer(study):
    item = study.items.get(row="test/c0/1")
    assert [turn["speaker"] for turn in item.context["turns"]] == ["Amateur", "Expert"]
    assert item.context["asked"] == "And how about number 1?"
    assert item.context["turns"][1]["text"] == "Cut a little at 200 Hz."
    assert "201 Hz" not in str(item.context)
    assert item.clip == "audio/segments/Group1/cut_1.wav"


def test_rows_without_an_answer_are_left_out_with_the_reason(project):
    snapshot = frozen(project)
    first, second, *rest = rows_of(snapshot)
    expert = answers(snapshot, "expert", texts=dict.fromkeys([first, *rest], "Cut."))
    base = answers(
        snapshot, "base", "tiny", texts={row: "  **  **  " if row == first else "Boost." for row in rows_of(snapshot)}
    )
    Candidate.objects.filter(generation=base, row=first).update(text="\u200b \n")
    study = protocol.create(protocol.Plan(snapshot, "test", (expert, base), raters=2))
    assert study.items.count() == 4
    assert study.skipped == [
        {"row": first, "why": "tiny has an empty answer"},
        {"row": second, "why": "expert has no answer"},
    ]


def test_answers_are_kept_exactly_and_shown_normalised(project):
    snapshot = frozen(project, 1)
    row = next(iter(rows_of(snapshot)))
    one = answers(snapshot, "expert", texts={row: "It’s  **boxy** "})
    other = answers(snapshot, "base", "tiny", texts={row: "Fine."})
    study = protocol.create(protocol.Plan(snapshot, "test", (one, other), raters=1))
    answer = Response.objects.get(contender__name="expert", item__study=study)
    assert (answer.text, answer.shown) == ("It’s  **boxy** ", "It's boxy")
    assert study.protocol["normaliser"] == "2"


def test_ratings_and_trials_follow_from_the_raters(project):
    study = study_of(project, items=6, raters=6)
    assert study.ratings_per_comparison == 2
    assert study.trials_per_rater == 6
    assert 6 * study.trials_per_rater == 18 * study.ratings_per_comparison


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"contenders": ()}, "too-few-contenders"),
        ({"raters": 0}, "raters"),
        ({"ratings": 0}, "ratings"),
        ({"trials": 0}, "trials"),
        ({"question": "Is evening-1 better?"}, "name-in-text"),
        ({"question": "Q" * 301}, "question"),
        ({"question": "Which\x00?"}, "text"),
        ({"title": "t" * 201}, "title"),
        ({"seed": -5}, "seed"),
        ({"seed": 2**70}, "seed"),
        ({"split": "validation"}, "other-rows"),
    ],
)
def test_what_cannot_be_a_study_is_refused_in_words(project, change, code):
    snapshot = frozen(project)
    generations = (answers(snapshot, "expert"), answers(snapshot, "adapter", "evening-1"))
    plan = {"snapshot": snapshot, "split": "test", "contenders": generations, "raters": 2, **change}
    with pytest.raises(StudyError) as caught:
        protocol.create(protocol.Plan(**plan))
    assert caught.value.code == code
    assert not Study.objects.exists()


def test_a_name_inside_another_word_is_no_name(project):
    snapshot = frozen(project)
    generations = (answers(snapshot, "expert"), answers(snapshot, "adapter", "mix"))
    study = protocol.create(protocol.Plan(snapshot, "test", generations, raters=1))
    assert "mixing" in study.instructions


def test_two_sources_of_one_name_are_not_told_apart_by_guessing(client, ada, project):
    snapshot = frozen(project)
    answers(snapshot, "expert")
    answers(snapshot, "adapter", "expert")
    answers(snapshot, "base", "tiny")
    with pytest.raises(StudyError) as caught:
        protocol.choose(snapshot, "test", ["expert"])
    assert caught.value.code == "two-of-one-name"
    client.force_login(ada)
    answers(snapshot, "adapter", "evening-1")
    page = client.get(f"/projects/{project.slug}/studies/new/").content.decode()
    assert 'value="expert"' not in page
    assert 'value="evening-1"' in page


def test_one_form_makes_one_study_and_another_projects_key_is_told(project, sam):
    snapshot = frozen(project)
    generations = (answers(snapshot, "expert"), answers(snapshot, "base", "tiny"))
    plan = protocol.Plan(snapshot, "test", generations, raters=1)
    study = protocol.create(plan)
    assert protocol.create(plan) == study
    Study.objects.filter(pk=study.pk).update(project=sam.memberships.get().project)
    with pytest.raises(StudyError) as caught:
        protocol.create(plan)
    assert caught.value.code == "key-taken"


def test_a_snapshot_whose_files_are_gone_is_refused_in_words(project):
    snapshot = frozen(project)
    generations = (answers(snapshot, "expert"), answers(snapshot, "base", "tiny"))
    (snapshot.path / "audio/segments/Group1/cut_1.wav").unlink()
    with pytest.raises(StudyError, match=r"cut_1\.wav of row test/c0/0 is missing"):
        protocol.create(protocol.Plan(snapshot, "test", generations, raters=1))
    assert not Study.objects.exists()


def test_the_web_process_reads_and_draws_in_children(project):
    program = "import sys, evaluation.protocol, evaluation.api.results; "
    program += "from evaluation.views import metrics, paper, planner, reports; "
    program += "print([name for name in ('matplotlib', 'scipy', 'torch') if name in sys.modules])"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", program]
    told = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True).stdout
    assert told.strip().splitlines()[-1] == "[]"


def test_one_source_stands_once(project):
    snapshot = frozen(project)
    twice = (answers(snapshot, "expert"), answers(snapshot, "expert"))
    with pytest.raises(StudyError, match="only once"):
        protocol.create(protocol.Plan(snapshot, "test", twice, raters=1))


def test_the_newest_finished_answers_stand_for_a_source(project):
    snapshot = frozen(project)
    answers(snapshot, "expert")
    newer, base = answers(snapshot, "expert"), answers(snapshot, "base", "tiny")
    assert protocol.choose(snapshot, "test", ["expert", "tiny"]) == (newer, base)
    with pytest.raises(StudyError, match="zoe has no finished answers"):
        protocol.choose(snapshot, "test", ["expert", "zoe"])


def test_the_same_form_sent_twice_is_one_study(project):
    snapshot = frozen(project)
    plan = protocol.Plan(snapshot, "test", (answers(snapshot, "expert"), answers(snapshot, "base", "tiny")), raters=2)
    assert protocol.create(plan) == protocol.create(plan)
    assert Rater.objects.count() == 2


def test_a_study_is_opened_once_and_closed_for_good(project):
    study = study_of(project, opened=False)
    assert not study.close()
    assert protocol.open_study(study)
    assert not protocol.open_study(Study.objects.get())
    assert study.close()
    assert not protocol.open_study(study)
    assert study.state == "closed"


def test_the_frozen_hash_names_what_raters_compare(project):
    study = study_of(project)
    assert protocol.frozen_hash(study) == study.frozen_hash
    Response.objects.filter(pk=Response.objects.first().pk).update(sha256="0" * 64)
    assert protocol.frozen_hash(study) != study.frozen_hash


def test_a_link_is_derived_and_never_stored(study):
    rater = study.raters.first()
    stored = str(Rater.objects.filter(pk=rater.pk).values().get())
    assert len(rater.token) >= 22  # 128 bits
    assert rater.token not in stored
    assert Rater.find(rater.token) == rater


def test_another_key_of_the_site_ends_the_links(study, settings):
    rater = study.raters.first()
    before = rater.token
    settings.SECRET_KEY = "another key of at least fifty characters, for this test"
    assert rater.token is None
    assert rater.get_absolute_url() == ""
    assert Rater.find(before) == rater  # who has the link may go on


def test_the_database_itself_holds_a_comparison_in_order(study):
    lo, hi = study.contenders.order_by("pk")[:2]
    item = study.items.first()
    with pytest.raises(IntegrityError, match="order"), transaction.atomic():
        Comparison.objects.create(item=item, lo=hi, hi=lo)
    with pytest.raises(IntegrityError), transaction.atomic():
        Comparison.objects.create(item=item, lo=lo, hi=hi)
