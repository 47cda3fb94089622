"""A judge is asked about a study: what is a verdict, what is unscored, what it costs, and what is never asked twice."""

import io
import json
import socket
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from evaluation import asking, execute, judges
from evaluation.errors import StudyError
from evaluation.judging.endpoints import Endpoint
from evaluation.models import JudgeAbilities, JudgeCall, JudgeReply, JudgeRun, Verdict
from evaluation.models.judge import tallied
from mixassist_site.jobs import State
from tests.evaluation.studies import study_of
from tests.fake_judge import KEY, slow

PLAIN = {"repeats": 0, "probes": 0}


@pytest.fixture
def small(project):
    """Three contenders on two items: twelve questions in all orders."""
    return study_of(project, items=2)


@pytest.fixture
def asked(settings, small):
    """Let a fake judge judge the study; what it came to, and the run."""

    def ask(fake, *, study=None, endpoint=None, **options):
        told = {"backoff_s": 0.02, "timeout_s": 5, **(endpoint or {})}
        settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint(**told) if fake else told}
        run = judges.start(study or small, "fake", judges.Options(**{**PLAIN, **options}))
        execute.judge_study(run)
        run.refresh_from_db()
        assert run.state == State.SUCCEEDED, run.error_message
        return judges.told(run, tallied(run.calls)), run

    return ask


def test_every_order_is_asked_once_and_says_what_stands_in_its_reply(asked, judge):
    fake = judge()
    told, run = asked(fake)
    assert (told["calls"], told["scored"], told["unscored"], told["cached"]) == (12, 12, {}, 0)
    assert set(fake.bought().values()) == {1} and len(fake.asked) == 12
    orders = {(call.item_id, tuple(call.order)) for call in run.calls.all()}
    assert len(orders) == 12
    for verdict in Verdict.objects.select_related("call__reply"):
        assert json.loads(verdict.span)["ranking"] == verdict.said["ranking"]
        assert sorted(name for group in verdict.ranking for name in group) == sorted(verdict.call.order)
    assert run.record["versions"] == ["scripted-good scripted-1"]


def test_no_verdict_without_a_reply(small, db):
    run = JudgeRun.objects.create(
        project=small.project, study=small, judge="x", template="listwise", template_digest="d", reference="hidden"
    )
    item = small.items.first()
    for wrong in ({"state": "ok"}, {"state": "invalid"}, {"state": "unscored"}, {"state": "queued", "reason": "parse"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            JudgeCall.objects.create(run=run, item=item, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.create(said={"ranking": [["R1"]]}, start=0, end=3)


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        ({"always": "I prefer the second."}, "parse"),
        ({"always": '{"ranking": [["A"], ["B"], ["C"]]}'}, "parse"),
        ({"always": '{"ranking": [["R1"], ["R2"], ["R4"]]}'}, "parse"),
        ({"always": "I'm sorry, but I can't judge that."}, "refusal"),
        ({"always": {"refusal": "No."}}, "refusal"),
        ({"always": ""}, "parse"),
    ],
)
def test_what_is_no_verdict_is_unscored_with_its_reason(asked, judge, fake, reason):
    fake = judge(**fake)
    told, _ = asked(fake)
    assert (told["scored"], told["unscored"]) == (0, {reason: 12})
    assert not Verdict.objects.exists()
    assert len(fake.asked) == (36 if reason == "parse" else 12)  # two more tries each, and none after a refusal
    assert told["calls"] == len(fake.asked)


def test_an_answer_that_can_be_mended_is_mended_in_the_same_order(asked, judge):
    fake = judge(faults=('{"ranking": ["R1", "R2", "R3"]}', "R1 is the best", "nothing"))
    told, run = asked(fake, endpoint={"max_parallel": 1})
    assert (told["scored"], told["unscored"], told["calls"]) == (12, {}, 15)
    mended = run.calls.get(repair=2) if run.calls.filter(repair=2).exists() else run.calls.filter(repair=1).first()
    assert mended.messages[-2]["role"] == "assistant"
    assert "JSON object alone" in mended.messages[-1]["content"]
    assert (
        mended.order
        == run.calls.get(item=mended.item, order_index=mended.order_index, number=0, replicate=0, repair=0).order
    )


def test_what_passes_is_asked_again_with_patience(asked, judge):
    fake = judge(faults=(429, 503, 500, slow(1.0), b"<html>", 429), headers={"Retry_After": "0.2"})
    told, run = asked(fake, endpoint={"timeout_s": 0.5, "price": {"input": 1, "output": 1}})
    assert (told["scored"], told["unscored"]) == (12, {})
    assert len(fake.asked) == 18
    assert told["calls"] == 14  # the one that came late and the one that was no JSON may be charged
    late = run.calls.filter(bought=2)
    assert late.count() == 2
    assert all(call.cost_nano > call.reply.cost_nano for call in late)


def test_a_dead_endpoint_gives_no_verdict_and_is_not_asked_for_ever(asked):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told, run = asked(None, endpoint={"base_url": f"http://127.0.0.1:{port}/v1", "model": "m"})
    assert told == {"run": run.pk, "calls": 0, "scored": 0, "unscored": {"transport": 12}, "cost": 0, "cached": 0}
    assert run.record["attempted"] == 12
    assert "could not be reached" in run.record["stopped"]


def test_a_server_that_dies_within_a_run_ends_it_with_what_was_scored(asked, judge):
    fake = judge(faults=tuple([None] * 4 + [500] * 100))
    told, _ = asked(fake, endpoint={"max_parallel": 1})
    assert told["scored"] == 4
    assert told["unscored"] == {"transport": 8}
    assert len(fake.asked) < 4 + 8 * 5  # not every call is tried to its end


def test_an_unauthorised_key_stops_at_once(asked, judge):
    fake = judge(faults=(401,) * 50)
    told, _ = asked(fake, endpoint={"max_parallel": 1})
    assert (told["scored"], told["unscored"], len(fake.asked)) == (0, {"transport": 12}, 1)


@pytest.mark.parametrize("cap", [1, 5, 12])
def test_a_cap_on_calls_is_never_passed(asked, judge, cap):
    fake = judge()
    told, _ = asked(fake, max_calls=cap)
    assert len(fake.asked) == told["calls"] == told["scored"] == cap
    assert told["unscored"] == ({"budget": 12 - cap} if cap < 12 else {})


def test_a_cap_on_money_is_reserved_before_each_call(asked, judge, small):
    price = {"input": 2.0, "output": 10.0}
    fake = judge(usage=False)  # nobody says what it cost: the most is taken
    endpoint = {"price": price, "max_output_tokens": 100, "max_parallel": 3}
    named = Endpoint.from_dict("fake", fake.endpoint(**endpoint))
    most = judges.plan(small, named, judges.Options(**PLAIN)).dollars_most
    told, run = asked(fake, endpoint=endpoint, max_dollars=most / 2)
    assert 4 <= told["scored"] <= 6
    assert told["cost"] <= most / 2
    assert told["unscored"]["budget"] == 12 - told["scored"]
    assert "budget" in run.record["stopped"]


def test_what_was_spent_before_a_crash_still_counts(small, settings, judge, monkeypatch):
    fake = judge(usage=False)
    told = fake.endpoint(price={"input": 1, "output": 1}, max_output_tokens=100, max_parallel=1)
    settings.JUDGE_ENDPOINTS = {"fake": told}
    most = judges.plan(small, Endpoint.from_dict("fake", told), judges.Options(**PLAIN)).dollars_most
    run = judges.start(small, "fake", judges.Options(**PLAIN, max_calls=8, max_dollars=most / 2))
    take = asking.Desk.take

    def breaks(desk, call, answer):
        if len(fake.asked) == 4:
            raise RuntimeError("the machine breaks")
        take(desk, call, answer)

    with monkeypatch.context() as broken:
        broken.setattr(asking.Desk, "take", breaks)
        execute.judge_study(run)
    run.refresh_from_db()
    assert run.state != State.SUCCEEDED and len(fake.asked) == 4
    if run.is_over:
        run.retry()
    execute.judge_study(run)
    run.refresh_from_db()
    told = judges.told(run, tallied(run.calls))
    assert run.state == State.SUCCEEDED, run.error_message
    assert told["unscored"] == {"budget": 12 - told["scored"]} and told["scored"] > 4
    assert len(fake.asked) == told["calls"] <= 8
    assert told["cost"] <= most / 2
    assert set(fake.bought().values()) == {1}


def test_what_was_sent_and_lost_is_paid_for_and_not_asked_again(small, settings, judge, monkeypatch):
    fake = judge()
    settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint(price={"input": 1, "output": 1}, max_parallel=1)}
    run = judges.start(small, "fake", judges.Options(**PLAIN))
    spool = Path(settings.RUNS_ROOT) / "judging" / str(run.pk)
    take = asking.Desk.take

    def dies(desk, call, answer):
        if len(fake.asked) == 3:
            [reply] = spool.glob("*.json")
            reply.unlink()  # the power went between the answer and the disk
            raise RuntimeError("the machine dies")
        take(desk, call, answer)

    with monkeypatch.context() as broken:
        broken.setattr(asking.Desk, "take", dies)
        execute.judge_study(run)
    assert [each.suffix for each in spool.iterdir() if each.name != "lock"] == [".sent"]
    execute.judge_study(run)
    run.refresh_from_db()
    told = judges.told(run, tallied(run.calls))
    assert (told["scored"], told["unscored"], told["calls"]) == (11, {"interrupted": 1}, 12)
    assert set(fake.bought().values()) == {1} and len(fake.asked) == 12
    lost = run.calls.get(reason="interrupted")
    assert lost.cost_nano == lost.reserved_nano > 0


def test_a_rerun_is_answered_from_what_was_bought(asked, judge):
    fake = judge()
    _, first = asked(fake)
    before = len(fake.asked)
    told, run = asked(fake)
    assert (told["calls"], told["cached"], told["scored"], told["cost"]) == (0, 12, 12, 0)
    assert (len(fake.asked), fake.probed) == (before, 1)
    place = ("call__item", "call__order_index", "said")
    assert list(Verdict.objects.filter(call__run=run).order_by(*place[:2]).values_list(*place)) == list(
        Verdict.objects.filter(call__run=first).order_by(*place[:2]).values_list(*place)
    )


def test_another_seed_another_template_and_a_repeat_are_calls_of_their_own(asked, judge):
    fake = judge()
    asked(fake)
    for options in ({"seed": 1}, {"template": "paper-v1"}, {"template": "pairwise"}):
        told, _ = asked(fake, **options)
        assert told["cached"] == 0, options
    told, run = asked(fake, repeats=50)
    assert (told["cached"], told["calls"]) == (12, 6)
    assert run.calls.filter(replicate=1).count() == 6


@pytest.mark.parametrize(
    ("template", "calls"), [("listwise", 12), ("paper-v1", 12), ("pairwise", 12), ("pointwise", 6)]
)
def test_every_template_is_judged(asked, judge, template, calls):
    told, _ = asked(judge(), template=template)
    assert (told["scored"], told["calls"]) == (calls, calls)


def test_the_planted_better_answer_is_the_experts_where_the_expert_competes(asked, judge, small):
    small.items.first().responses.model.objects.exclude(contender__name="expert").update(shown="Ryens. Pend, pend.")
    _, run = asked(judge(), probes=6)
    planted = run.calls.filter(probe="planted")
    assert planted.count() == 12
    assert all("Ryens" not in json.dumps(call.messages) for call in planted)
    assert any("Ryens" in json.dumps(call.messages) for call in run.calls.filter(probe="padded"))
    _, run = asked(judge(), probes=6, reference="none")  # nobody else is there
    assert all("Ryens" in json.dumps(call.messages) for call in run.calls.filter(probe="planted"))


def test_the_expert_is_told_left_out_or_hidden_among_the_others(asked, judge):
    fake = judge()
    told, run = asked(fake, reference="reference")
    assert told["scored"] == 4  # two contenders are left, two orders, two items
    assert all("expert" not in call.order for call in run.calls.all())
    assert (
        "Cut a little at 200 Hz." in fake.asked[0]["messages"][1]["content"] + fake.asked[-1]["messages"][1]["content"]
    )
    fake.asked.clear()
    told, run = asked(fake, reference="none")
    assert told["scored"] == 4
    assert all("the expert's own answer" not in json.dumps(each) for each in fake.asked)
    _, run = asked(fake)
    assert run.reference == "hidden"
    assert all("expert" in call.order for call in run.calls.all())


@pytest.mark.parametrize(
    ("rejects", "around"),
    [
        (("temperature",), "{}"),
        (("json_schema", "max_completion_tokens"), "{}"),
        (("json_schema", "json_object"), "<think>R1? {no}</think>\n```json\n{}\n```"),
        ((), "I think R1 is bad.</think>{}"),
    ],
)
def test_endpoints_of_every_kind_are_judged_by_the_same_code(asked, judge, rejects, around):
    fake = judge(rejects=rejects, around=around.replace("{no}", "no"))
    told, _ = asked(fake)
    assert (told["scored"], told["unscored"]) == (12, {})
    assert all(name not in each for each in fake.asked for name in rejects)


def test_limits_of_the_endpoint_are_kept(asked, judge):
    fake = judge(wait_s=0.02)
    asked(fake, endpoint={"max_parallel": 2})
    assert fake.most_at_once <= 2
    fake = judge()
    asked(fake, seed=2, endpoint={"per_minute": 1200})
    gaps = [b - a for a, b in zip(fake.times, fake.times[1:], strict=False)]
    assert min(gaps) > 0.03


def test_a_key_is_in_no_row_and_no_answer(asked, judge, caplog):
    caplog.set_level("DEBUG")
    fake = judge(faults=({"content": f"the key is {KEY}"}, 500))
    asked(fake, endpoint={"api_key_env": "JUDGE_KEY"})
    assert fake.keys == {f"Bearer {KEY}"}
    dump = io.StringIO()
    call_command("dumpdata", "evaluation", stdout=dump)
    assert KEY not in dump.getvalue() and KEY not in caplog.text
    assert "[key]" in dump.getvalue()


def test_a_study_that_may_still_change_is_not_judged(project, settings, judge):
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint()}
    draft = study_of(project, opened=False)
    with pytest.raises(StudyError, match="open the study first"):
        judges.start(draft, "fake", judges.Options())


def test_an_unknown_price_asks_first(small, settings, judge):
    settings.JUDGE_ENDPOINTS = {"far": {"base_url": "https://judge.example/v1", "model": "m"}}
    with pytest.raises(StudyError, match="Nobody has said what far costs"):
        judges.start(small, "far", judges.Options())
    run = judges.start(small, "far", judges.Options(accepts_unknown_price=True, max_calls=3))
    assert run.max_calls == 3
    assert judges.plan(small, judges.endpoint_named("far"), judges.Options()).dollars_most is None


def test_the_command_tells_what_the_contract_says(small, settings, judge, capsys):
    fake = judge()
    settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint()}
    call_command("judge", str(small.pk), "--judge", "fake", "--dry-run", "--json")
    planned = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert planned["calls"] == 12 + 64 and fake.asked == [] and fake.probed == 0
    call_command("judge", str(small.pk), "--judge", "fake", "--probes", "1", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"run", "calls", "scored", "unscored", "cost", "cached"}
    assert told["scored"] == told["calls"] == 12 + 8
    for words, sentence in (
        (["999", "--judge", "fake"], "no study 999"),
        ([str(small.pk), "--judge", "nobody"], "no judge “nobody”"),
        ([str(small.pk), "--judge", "fake", "--max-calls", "0"], "at least 1"),
        ([str(small.pk), "--judge", "fake", "--probes", "500"], "probes"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("judge", *words)


def test_two_runs_of_one_judge_are_not_asked_at_once(small, settings, judge):
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint(), "other": judge().endpoint()}
    first, second = (judges.start(small, "fake", judges.Options(**PLAIN)) for _ in range(2))
    other = judges.start(small, "other", judges.Options(**PLAIN))
    assert first.claim("one")
    assert not second.claim("two")
    assert other.claim("two")


def test_settings_that_changed_under_a_run_end_it(small, settings, judge):
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint()}
    run = judges.start(small, "fake", judges.Options(**PLAIN))
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint()}
    execute.judge_study(run)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "changed")


def test_asking_takes_few_queries_for_each_call(asked, judge):
    fake = judge()
    with CaptureQueriesContext(connection) as queries:
        asked(fake)
    assert len(queries) < 40 + 12 * 26
    assert JudgeAbilities.objects.count() == 1
    assert JudgeReply.objects.count() == 12
