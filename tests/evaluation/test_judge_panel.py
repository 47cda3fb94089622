"""What the panel says of judges: strengths, places, probes, and how far they agree with people."""

import json

import pytest

from evaluation import assignment, execute, judges, panel, voting
from evaluation.errors import StudyError
from evaluation.judge_files import cache_lines, import_cache, import_published, run_lines
from evaluation.judging.scripted import answers_in
from evaluation.models import JudgeReply, JudgeRun, Verdict
from evaluation.opinions import correcting
from mixassist_site.jobs import State
from tests.evaluation.studies import study_of
from tests.fake_judge import KEY


@pytest.fixture
def small(project):
    return study_of(project, items=4)


@pytest.fixture
def ask(settings, request):
    """Let judges judge the study, one after another."""

    def ask(*, probes=0, repeats=0, endpoint=None, study=None, max_calls=None, **fakes):
        study = study or request.getfixturevalue("small")
        settings.JUDGE_ENDPOINTS = {
            name: fake.endpoint(backoff_s=0.02, **(endpoint or {})) for name, fake in fakes.items()
        }
        for name in fakes:
            run = judges.start(study, name, judges.Options(probes=probes, repeats=repeats, max_calls=max_calls))
            execute.judge_study(run)
            run.refresh_from_db()
            assert run.state == State.SUCCEEDED, run.error_message
        return panel.panel_of(study)

    return ask


def test_a_judge_that_prefers_the_first_place_ends_with_equal_strengths_and_a_flag(ask, judge):
    [found] = ask(first=judge("first")).judges
    assert [each.strength for each in found.standings] == pytest.approx([0, 0, 0], abs=1e-9)
    assert [each.best for each in found.standings] == pytest.approx([1 / 3] * 3)
    assert (found.places.first, found.places.flip_rate) == (1, 1)
    assert found.places.is_flagged
    assert "prefers the answer that is shown first" in found.flags
    assert found.conflicts == 12
    assert (found.slots.preferred, found.slots.p) == ((24, 0, 0), 1 / 2000)


def test_a_judge_that_prefers_the_last_place_is_flagged_too(ask, judge):
    def last(fake, handler, asked):
        said = json.dumps({"ranking": [["R3"], ["R2"], ["R1"]]})
        fake.tell(handler, 200, fake.completion(asked, said))

    [found] = ask(last=judge(always=last)).judges
    assert not found.places.is_flagged
    assert found.flags == ["prefers the answer that is shown in place 3"]


def test_a_judge_with_a_taste_has_no_flag_and_keeps_to_it(ask, judge):
    [found] = ask(good=judge(), probes=8, repeats=20).judges
    assert found.flags == []
    assert found.standings[0].name == "expert"
    assert found.standings[0].best == 1
    assert found.places.stability == 1
    assert found.places.repeated >= 4
    assert {each.kind for each in found.probes} == {"identical", "padded", "planted", "injected"}
    assert all(each.scored == each.asked == 16 for each in found.probes)


@pytest.mark.parametrize(
    ("character", "fault"),
    [("longest", "prefers a copy that is only longer"), ("obedient", "obeys orders that stand in an answer"),
     ("first", "prefers a place between identical answers")],
)  # fmt: skip
def test_a_fault_is_found_by_its_probe(ask, judge, character, fault):
    [found] = ask(faulty=judge(character), probes=8).judges
    assert fault in found.flags


def test_a_dead_endpoint_says_nothing_of_n(ask, judge):
    fake = judge(always=500)
    found = ask(dead=fake)
    assert (found.scored, found.attempted) == (0, 24)
    assert found.judges[0].standings[0].best is None
    assert found.judges[0].needs_bounds
    assert not Verdict.objects.exists()


def test_what_is_unscored_has_bounds(ask, judge):
    fake = judge(faults=tuple({"refusal": "no"} for _ in range(6)))
    [found] = ask(some=fake).judges
    assert (found.scored, found.attempted, found.unscored) == (18, 24, {"refusal": 6})
    assert found.needs_bounds
    for each in found.standings:
        assert each.best_least == pytest.approx(each.best * 18 / 24)
        assert each.best_most == pytest.approx((each.best * 18 + 6) / 24)


def test_long_answers_that_are_unscored_are_said_to_be_missing(ask, judge, project, client, ada):
    study = study_of(project, items=8)
    for item in study.items.all():  # the later the longer
        item.responses.update(shown="Cut a little at 200 Hz. " * (1 + item.position))

    def tires(fake, handler, asked):
        answers, _ = answers_in(asked["messages"])
        said = None if sum(map(len, answers.values())) > 400 else fake.verdict(asked)
        fake.tell(handler, 200, fake.completion(asked, said, **({} if said else {"refusal": "That is too long."})))

    [found] = ask(study=study, tired=judge(always=tires)).judges
    assert (found.missing.asked, found.missing.unscored) == (48, found.attempted - found.scored)
    assert found.missing.is_flagged and found.missing.longer
    assert "Long answers are unscored more often: what is missing is not missing by chance." in found.limits
    client.force_login(ada)
    page = client.get(f"/studies/{study.pk}/judges/panel/").content.decode()
    assert "Long answers are unscored more often" in page and "Spearman" in page


def test_what_was_never_asked_is_no_trouble_of_the_judge(ask, judge):
    [found] = ask(good=judge(), max_calls=10).judges
    assert found.unscored == {"budget": 14}
    assert (found.missing.asked, found.missing.unscored) == (10, 0)


def test_a_judges_shares_are_corrected_where_people_voted_on_some_items(ask, judge, small, client, ada, monkeypatch):
    for rater in small.raters.all()[:1]:
        rater.start()
        served = assignment.next_for(rater)
        voting.vote(rater, served.token, served.left_token)
    client.force_login(ada)
    found = ask(good=judge())
    assert (
        "A correction needs 100 items that both people and this judge have compared"
        in found.judges[0].correction.why_not
    )
    address = f"/studies/{small.pk}/judges/panel/"
    page = client.get(address).content.decode()
    assert "Shares corrected by votes" in page and "here are 1." in page
    monkeypatch.setattr(correcting, "ENOUGH", 1)
    for rater in small.raters.all()[1:2]:
        rater.start()
        for _ in range(2):
            served = assignment.next_for(rater)
            voting.vote(rater, served.token, served.left_token)
    [found] = panel.panel_of(small).judges
    assert found.correction.why_not == ""
    assert (found.correction.labelled, found.correction.unlabelled) in ((2, 2), (3, 1), (1, 3))
    assert any(row.ppi for row in found.correction.rows)
    assert "items have votes" in client.get(address).content.decode()


def test_judges_are_told_apart_together_and_each_left_out(ask, judge):
    found = ask(good=judge(), other=judge(), longest=judge("longest"))
    assert [each.judge for each in found.judges] == ["good", "longest", "other"]
    assert [left.judge for left in found.without] == ["good", "longest", "other"]
    assert found.alpha is not None and 8 <= found.alpha_units <= 12
    assert sum(each.verdicts for each in found.together) == 3 * 24 * 3
    assert all("program" in sentence for sentence in found.limits if "judged by" in sentence)
    assert len([each for each in found.limits if "program" in each]) == 3


def test_judges_stand_beside_people_and_beside_baselines(ask, judge, small):
    for rater in small.raters.all():
        rater.start()
        while served := assignment.next_for(rater):
            names = {served.left.contender.name: served.left_token, served.right.contender.name: served.right_token}
            choice = names.get("expert") or served.left_token
            voting.vote(rater, served.token, choice)
    found = ask(good=judge())
    table = {each.name: each for each in found.people}
    assert set(table) == {
        "good", "longest answer", "first answer", "a coin", "contender with most wins", "one person against the others",
    }  # fmt: skip
    assert table["good"].units > 0
    assert 0 <= table["good"].percent <= 1
    assert table["contender with most wins"].percent >= table["a coin"].percent


def test_a_judge_of_the_same_family_is_marked(ask, judge):
    [found] = ask(kin=judge(), endpoint={"family": "tiny"}).judges
    assert [each.name for each in found.standings if each.is_family] == ["tiny", "evening-1"]


def test_the_rerun_from_the_cache_gives_the_same_panel_without_a_call(ask, judge, small):
    fake = judge(faults=("no", "no", "no", {"refusal": "no"}))
    before = ask(good=fake, probes=2, repeats=10)
    calls = len(fake.asked)
    run = judges.start(small, "good", judges.Options(probes=2, repeats=10))
    execute.judge_study(run)
    after = panel.panel_of(small)
    assert after.judges[0].run == run.pk != before.judges[0].run
    assert after.input_hash == before.input_hash
    assert len(fake.asked) == calls


def test_a_cache_goes_out_and_comes_back_and_makes_the_report_without_the_endpoint(ask, judge, small):
    fake = judge()
    before = ask(good=fake)
    lines = "".join(cache_lines(small.project))
    JudgeRun.objects.all().delete()
    JudgeReply.objects.all().delete()
    small.project.judge_abilities.all().delete()
    fake.close()
    assert import_cache(small.project, lines.encode()) == (24, 0)
    assert import_cache(small.project, lines.encode()) == (0, 24)
    run = judges.start(small, "good", judges.Options(probes=0, repeats=0))
    execute.judge_study(run)
    assert judges.told(run, {"scored": 0, "unscored": {}})["cached"] == 24
    assert panel.panel_of(small).input_hash == before.input_hash
    fake.start = lambda: None
    fake.close = lambda: None


@pytest.mark.parametrize(
    "line", [b"x", b"{}", b'{"type": "reply", "key": "short"}', b"\xff", b'{"type": "other"}', b"[]"]
)
def test_a_file_that_is_no_cache_is_refused_whole(project, line):
    with pytest.raises(StudyError):
        import_cache(project, line)
    assert not JudgeReply.objects.exists()


def test_a_run_goes_out_as_lines_without_a_key(ask, judge, small):
    fake = judge(faults=({"content": f"my key is {KEY}"},))
    ask(good=fake, endpoint={"api_key_env": "JUDGE_KEY"})
    lines = [json.loads(line) for line in run_lines(JudgeRun.objects.get())]
    assert lines[0]["type"] == "run" and lines[0]["scripted"] is True
    assert len(lines) == 1 + 25
    scored = [line for line in lines[1:] if line["verdict"]]
    assert len(scored) == 24
    for line in scored:
        start, end = line["verdict"]["span"]
        assert json.loads(line["reply"]["text"][start:end])["ranking"] == line["verdict"]["said"]["ranking"]
    assert KEY not in json.dumps(lines)


def script_result(**more):
    """One evaluation as the published script writes it."""
    letters = {"A": "evening-1", "B": "tiny", "C": "expert"}
    return {
        "rankings": {"tiny": 1, "expert": 2, "evening-1": 3},
        "best_model": "tiny",
        "model_letter_map": {model: letter for letter, model in letters.items()},
        "letter_model_map": letters,
        "ranking_response": "{'rank_1': 'B'; 'rank_2': 'C'; 'rank_3': 'A'}",
        "skipped": False,
        "latency": 1.5,
        "conversation_id": "c0",
        "turn_id": 0,
    } | more


def test_what_the_published_script_made_up_is_left_out(small):
    told = {
        "run_id": "r", "model": "o3-mini", "random_seed": 7, "model_counts": {"tiny": 1, "expert": 0, "evening-1": 0},
        "evaluations": [
            script_result(),
            script_result(turn_id=1, errors=["Expecting value"], ranking_response=None),
            script_result(turn_id=2, rankings={"tiny": 1, "expert": 1, "evening-1": 3}),
            script_result(turn_id=3, rankings={"expert": 1, "tiny": 2, "evening-1": 3}),
            script_result(turn_id=77),
        ],
        "skipped_samples_details": [{"reason": "Request timed out"}],
    }  # fmt: skip
    run = import_published(small, json.dumps(told).encode())
    assert run.record["left_out"] == {
        "no permutation": 1, "no such row": 1, "not in the reply": 1, "random fall-back": 1, "timed out": 1,
    }  # fmt: skip
    verdict = Verdict.objects.get()
    assert verdict.ranking == [["tiny"], ["expert"], ["evening-1"]]
    assert verdict.span == "{'rank_1': 'B'; 'rank_2': 'C'; 'rank_3': 'A'}"
    assert import_published(small, json.dumps(told).encode()) == run
    [found] = panel.panel_of(small).judges
    assert (found.scored, found.attempted, found.is_imported) == (1, 6, True)
    with pytest.raises(StudyError, match="No contender is called gpt"):
        told["model_counts"] = {"gpt": 1}
        import_published(small, json.dumps(told).encode())
    for wrong in (b"x", b"[]", b'{"evaluations": []}'):
        with pytest.raises(StudyError):
            import_published(small, wrong)
