"""Votes that say little or nothing: every form of a report says what can't be said, and shows no number that isn't."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command

from evaluation import execute, figures, flow, protocol, reports, simulation, sitting, tables, voting
from evaluation.assignment import next_for
from evaluation.rules import CRITERIA, Rules
from tests.evaluation.studies import study_of

NOBODY = "Nobody has voted yet"
NOT_A_NUMBER = re.compile(r"(?<![\w-])(nan|NaN|None|null|inf|Infinity)(?![\w-])")
FORMS = {
    "four": Rules(),
    "five with criteria": Rules(scale="five", criteria=tuple(CRITERIA), criteria_optional=True, source_share=0.5),
}


def votes(study, choose, criteria=None):
    """Every rater votes on every pair: `choose` gives a contender, a side or an outcome."""
    strong = study.protocol["scale"] == "five"
    for rater in study.raters.all():
        rater.start()
        while served := next_for(rater):
            slots = {"left": served.left_token, "right": served.right_token}
            slots |= {served.left.contender.name: served.left_token, served.right.contender.name: served.right_token}
            said = choose(rater, served)
            slot = slots.get(said, said)
            choice = f"{slot}:2" if strong and said in slots else slot
            rows = {name: slots.get(criteria, criteria) for name in study.protocol["criteria"]} if criteria else {}
            voting.cast(rater, voting.Ballot(served.token, choice, criteria=rows))


def loser(rater, served):
    """Whoever isn't the base model; the other pair is split."""
    names = {served.left.contender.name, served.right.contender.name}
    return sorted(names - {"tiny"})[rater.number % len(names - {"tiny"})]


def all_excluded(study):
    votes(study, lambda rater, served: "left")
    for rater in study.raters.all():
        flow.exclude(rater, by=None, rule="speed", reason="Too quick.")


def all_withdrawn(study):
    votes(study, lambda rater, served: "left")
    for rater in study.raters.all():
        sitting.withdraw(rater)


def simulated(study):
    protocol.invite(study, 5, prefix="Simulated", is_simulated=True)
    simulation.vote_all(study, 3)


def one_vote(study):
    rater = study.raters.first()
    rater.start()
    served = next_for(rater)
    voting.cast(rater, voting.Ballot(served.token, undecided(study)))


def undecided(study):
    """The paper's four outcomes have no "can't judge"."""
    return "cannot_judge" if study.protocol["scale"] == "five" else "both_bad"


EDGES = {
    "no vote": ({}, lambda study: None, NOBODY),
    "no rater": ({"raters": 1}, lambda study: study.raters.all().delete(), NOBODY),
    "one vote, which decides nothing": ({}, one_vote, "shares of decided votes don't exist"),
    "one rater": ({"raters": 1}, lambda s: votes(s, loser, "left"), "All votes come from one rater"),
    "one item": ({"items": 1}, lambda s: votes(s, lambda *pair: "left"), "All votes are on one item"),
    "one rater, one item": ({"items": 1, "raters": 1}, lambda s: votes(s, loser), "All votes come from one rater"),
    "all ties": ({}, lambda s: votes(s, lambda *pair: "both_good", "both_good"), "Every vote is a tie"),
    "all both bad": ({}, lambda s: votes(s, lambda *pair: "both_bad"), "Every vote is a tie"),
    "nobody can judge": ({}, lambda s: votes(s, lambda *pair: undecided(s)), "Every vote is a tie"),
    "one never wins": ({}, lambda s: votes(s, loser, "right"), "tiny never won"),
    "always left": ({}, lambda s: votes(s, lambda *pair: "left", "left"), "Every decided vote is for the left side"),
    "everyone excluded": ({}, all_excluded, "Every rater who voted is excluded"),
    "everyone withdrawn": ({}, all_withdrawn, NOBODY),
    "simulated raters only": ({"raters": 1}, simulated, "of the votes are simulated"),
}


def printed(text):
    """Nothing of what a person reads is a number that isn't one."""
    words = re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.S)
    wrong = [words[max(0, at.start() - 60) : at.end() + 20] for at in NOT_A_NUMBER.finditer(words)]
    assert wrong == []
    return " ".join(words.split()).replace("&#x27;", "'")


@pytest.fixture
def answered(client, rita):
    client.force_login(rita)

    def get(path):
        answer = client.get(path)
        assert answer.status_code == 200, path
        return answer.content.decode()

    return get


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("edge", EDGES)
def test_every_form_of_a_report_says_what_little_its_votes_can_say(project, answered, tmp_path, edge, form):
    plan, vote, sentence = EDGES[edge]
    study = study_of(project, **{"items": 3, "raters": 2, "ratings": 2} | plan, rules=FORMS[form])
    vote(study)
    analysis = execute.report_of(study)

    def refuse(name):
        raise AssertionError(f"{name} in the JSON")

    told = json.loads(answered(f"/studies/{study.pk}/report/{analysis.number}/report.json"), parse_constant=refuse)
    assert sentence in json.dumps([told["limits"], told["methods"]], ensure_ascii=False)
    shown = {"page": printed(answered(f"/studies/{study.pk}/report/")), "file": printed(reports.to_html(analysis))}
    for name, text in shown.items():
        assert sentence in text, name
    lines = "\n".join(figures.lines_of(analysis.result))
    assert sentence in " ".join(printed(lines).split())
    for name in tables.NAMES:
        printed(tables.as_csv(analysis.result, name))
    for path in ("monitor/", "report/quotes/", "report/changes/", "paper/", ""):
        printed(answered(f"/studies/{study.pk}/{path}"))
    out = StringIO()
    call_command("study_report", str(study.pk), "--json", stdout=out)
    assert json.loads(out.getvalue(), parse_constant=refuse)["limits"] == told["limits"]


@pytest.mark.parametrize("edge", ["no vote", "all ties", "one never wins", "one rater, one item"])
def test_figures_are_drawn_of_any_votes(project, tmp_path, edge):
    plan, vote, _ = EDGES[edge]
    study = study_of(project, **{"items": 3, "raters": 2, "ratings": 2} | plan)
    vote(study)
    figures.draw_all(execute.report_of(study).result, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".pdf", ".png"}
    assert all("nan" not in path.read_text().lower() for path in tmp_path.glob("*.svg"))
