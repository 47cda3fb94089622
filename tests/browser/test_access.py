"""Every page passes axe, light and dark: nothing serious or critical; what is less is printed.

Axe looks at what a program can see of access: names, roles, contrast, order. Keys and announcements have tests of
their own.
"""

import importlib.resources
from collections import Counter

import pytest

from annotation.bringing import keep_transcript
from annotation.models import ApiToken, Ingest, Release, Upload
from annotation.releases.options import Options
from evaluation import assignment, execute, joining, judges, protocol, simulation, voting
from evaluation.models import Assignment, FollowUp, Rating, Study
from evaluation.rules import Rules
from mixassist_site.jobs import State
from modeling.models import Adapter, Candidate, Metric
from tests.annotation.releases.frozen import freeze
from tests.annotation.test_bringing import SPOKEN, grid
from tests.browser.sitting import until
from tests.evaluation.studies import study_of
from tests.factories import LayerFactory, SegmentFactory, SnapshotFactory, conversation, turn
from tests.fake_judge import FakeJudge
from tests.modeling.app.things import generation_of, run_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
GRAVE = ("serious", "critical")
RUN = """async (only) => {
  const options = { resultTypes: ["violations"], ...(only && { runOnly: { type: "rule", values: only } }) }
  const { violations } = await axe.run(document, options)
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target, failureSummary }) => (
    { id, impact, target: target.join(" "), why: failureSummary }
  )))
}"""


class Inspector:
    """Looks at pages in both schemes, and keeps what is wrong with them."""

    def __init__(self, page) -> None:
        self.page = page
        self.found: list[tuple[str, dict]] = []
        self.looked = 0

    def visit(self, *addresses: str) -> None:
        for address in addresses:
            answer = self.page.goto(address)
            assert answer.status == 200, (address, answer.status)
            self.look(address)

    def look(self, name: str) -> None:
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.evaluate(AXE)  # by the debugger, which the page's policy leaves alone
        self._keep(name, None)
        self.page.emulate_media(color_scheme="dark")
        self._keep(f"{name} (dark)", ["color-contrast", "link-in-text-block"])  # all else is the same in the dark
        self.page.emulate_media(color_scheme="light")
        self.looked += 1

    def _keep(self, name: str, only: list[str] | None) -> None:
        self.found += [(name, each) for each in self.page.evaluate(RUN, only)]

    def verdict(self) -> None:
        lesser = Counter((each["impact"], each["id"]) for _, each in self.found if each["impact"] not in GRAVE)
        print(f"\n{self.looked} looks; less than serious: {dict(lesser)}")
        grave = [
            f"{name}: {each['id']} at {each['target']}: {each['why']}"
            for name, each in self.found
            if each["impact"] in GRAVE
        ]
        assert not grave, "\n".join(grave)


@pytest.fixture
def axe(page) -> Inspector:
    return Inspector(page)


@pytest.fixture
def known(page, live_server, client):
    """`known(ana)`: this browser is Ana's from here on."""

    def as_person(person) -> None:
        client.force_login(person)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])

    return as_person


@pytest.fixture
def full(layer, ana, rita, ada, project):
    """A project in the middle of its work: one of everything, and none of it empty."""
    turns = [turn(layer, at, flag="yes") for at in (0, 6_000, 12_000)]
    conversation(layer, turns[:2])
    SegmentFactory(layer=layer, lane="note", start_ms=1_000, end_ms=4_000, text="Listen again.")
    submitted = LayerFactory(session=layer.session, owner=rita, state="submitted")
    talk = conversation(submitted, [turn(submitted, 2_000, flag="no")])
    counted = SnapshotFactory(project=project)
    freeze(counted.path)
    archive = {
        "sha256": "b" * 64,
        "size": 10,
        "options": Options().as_dict(),
        "facts": {"rows": {"test": 2}, "clips": 3},
    }
    release = Release.objects.create(project=project, snapshot=counted, state=State.SUCCEEDED, **archive)
    Ingest.objects.create(
        project=project, recording=layer.session.recordings.get(), makes="peaks", state=State.FAILED,
        error_code="ends-early", error_message="The file ends before its header says.", created_by=ada,
    )  # fmt: skip
    Upload.objects.create(project=project, by=ada, name="evening.wav", size=10)
    ApiToken.issue(ada, "script", ["read"])
    study = study_of(project, items=4, raters=4)
    for rater in study.raters.filter(number__lte=3):
        while served := assignment.next_for(rater):
            voting.vote(
                rater, served.token, (served.left_token, served.right_token, "both_good")[served.comparison.pk % 3]
            )
    draft = protocol.create(
        protocol.Plan(study.snapshot, "test", tuple(each.generation for each in study.contenders.all()), 2)
    )
    run = run_of(study.snapshot, "spring", state=State.RUNNING, done=2, total=8)
    for step in range(1, 9):
        Metric.objects.create(run=run, step=step, key="loss", value=6 / step)
    adapter = Adapter.objects.first()
    generation = generation_of(study.snapshot, state=State.SUCCEEDED)
    Candidate.objects.create(generation=generation, row="test/c0/0", text="Cut a little at 250 Hz.")
    return {
        "layer": layer, "submitted": submitted, "study": study, "draft": draft, "run": run, "adapter": adapter,
        "generation": generation, "snapshot": study.snapshot, "session": layer.session,
        "talk": talk, "counted": counted, "release": release,
    }  # fmt: skip


def test_the_pages_of_a_project_pass(axe, known, full, sue, page):
    axe.visit("/login/")
    page.expected_troubles.append("404")
    page.goto("/nowhere/")
    axe.look("/nowhere/")
    known(sue)
    project = "/projects/songs/"
    axe.visit("/", "/projects/", "/projects/new/", "/people/", "/tokens/", "/jobs/", project)
    axe.visit(*(f"{project}{name}/" for name in ("settings", "uploads", "snapshots", "runs", "generations", "studies")))
    axe.visit(*(f"{project}{name}/new/" for name in ("snapshots", "runs", "generations", "studies")))
    talk, counted = full["talk"], full["counted"].get_absolute_url()
    axe.visit(f"{project}turns/?q=muddy", f"/layers/{talk.layer_id}/conversations/{talk.uid}/")
    axe.visit(f"{counted}statistics/", f"{counted}releases/")
    for name in ("session", "snapshot", "run", "release", "adapter", "generation", "study", "draft"):
        axe.visit(full[name].get_absolute_url())
    kept = keep_transcript(full["session"], "talk.TextGrid", [grid(SPOKEN)], by=sue)
    brought = LayerFactory(session=full["session"], report={"lost": [{"what": "a point", "where": "tier 1"}]})
    axe.visit(kept.get_absolute_url(), f"/layers/{brought.pk}/report/", f"/layers/{full['submitted'].pk}/export/")
    axe.visit(f"/sessions/{full['session'].pk}/transcriptions/")
    axe.visit(f"/studies/{full['study'].pk}/report/")
    axe.verdict()


def test_the_workbench_passes_empty_full_read_only_and_with_its_dialogs_open(
    axe, known, full, ana, ada, rita, page, sit
):
    empty = LayerFactory(session=full["session"], owner=ada)
    bench = sit(empty, person=ada)
    axe.look("an empty layer")
    known(ana)
    bench.layer = full["layer"]
    bench.open()
    bench.wait("bench.tracks[0]?.peaks.tile(0, 0)")
    axe.look("a full layer")
    bench.press("PageDown")
    axe.look("a turn")
    bench.press("Escape", "ArrowDown")
    axe.look("a segment")
    bench.press("PageDown", "f")
    axe.look("the choice of a flag")
    bench.press("Escape", "e")
    axe.look("a text being edited")
    bench.press("Escape", "?")
    axe.look("the sheet of keys")
    bench.press("Escape", "w")
    bench.saved()
    bench.press("h")
    page.locator("edit-history li").first.wait_for()
    axe.look("the history")
    bench.press("Escape")
    page.evaluate("() => document.querySelector('dialog[data-part=login]').showModal()")
    axe.look("an ended login")
    bench.press("Escape")
    known(rita)
    bench.layer = full["submitted"]
    bench.open()
    until(page, "() => document.querySelector('mix-workbench[readonly]') !== null")
    axe.look("a layer to read")
    known(ada)
    bench.open()
    page.click("text=Review")
    axe.look("a review")
    axe.verdict()


ASKED = {
    "scale": "five", "tie": "same", "criteria": ("technical_accuracy", "helpfulness", "fluency"), "practice": 1,
    "criteria_optional": True, "quiz": True, "block": 1, "source_share": 1.0, "consent": "You agree to be a rater.",
    "listening": "once",
}  # fmt: skip


def test_every_page_of_a_protocol_that_asks_for_all_passes(axe, project, page):
    study = study_of(project, items=4, raters=2, contenders=2, trials=2, rules=Rules(**ASKED))
    codes = {"complete": "CDONE", "full": "CFULL"}
    Study.objects.filter(pk=study.pk).update(
        panel={"codes": codes, "places": 1, "return_url": "https://panel.example/"}
    )
    door = f"/join/{joining.open_door(study)}/"
    axe.visit(door, f"{door}?PROLIFIC_PID=p&STUDY_ID=s&SESSION_ID=v")
    page.get_by_role("button", name="Go on").click()
    axe.look("the consent")
    page.locator("[name=consent]").check()
    page.get_by_role("button", name="Start").click()
    axe.look("the quiz")
    for question, right in (("q0", 0), ("q1", 1)):
        page.locator(f"[name={question}]").nth(right).check()
    page.get_by_role("button", name="Answer").click()
    page.locator("[name=choice]").first.wait_for()
    axe.look("practice, with criteria")
    rater = study.raters.get(entrance="panel")
    for number in range(3):
        served = assignment.next_for(rater)
        Assignment.objects.filter(pk=served.pk).update(state="rated")
        Rating.objects.create(assignment=served, choice="both_bad", ms_to_vote=9000)
        page.goto(rater.get_absolute_url())
        axe.look("feedback" if number == 0 else "what follows a vote")
        if page.locator("[name=guess]").count():
            page.get_by_role("radio", name="I can't tell").check()
        page.get_by_role("button", name="Go on").click()
        if number == 1:
            axe.look("a break")
            page.get_by_role("button", name="Go on").click()
            page.goto(f"{rater.get_absolute_url()}withdrawal/")
            axe.look("leaving")
    page.get_by_text("Your completion code").wait_for()
    axe.look("the code")
    FollowUp.objects.order_by("-pk").first().delete()
    page.goto(rater.get_absolute_url())
    page.get_by_text("Finish and show my code").wait_for()
    axe.look("the thanks, with a code to come")
    page.expected_troubles += ["404"]
    page.goto("/rate/nobody/")
    axe.look("a link that does not work")
    axe.verdict()


def test_what_researchers_read_of_a_study_passes(axe, known, project, ada, page):
    rules = Rules(criteria=("fluency", "helpfulness"), consent="You agree.", source_share=0.5, criteria_optional=True)
    study = study_of(project, items=6, raters=4, rules=rules)
    study.raters.update(is_simulated=True)
    assert simulation.vote_all(study, seed=1)
    execute.report_of(study)
    known(ada)
    address = study.get_absolute_url()
    axe.visit(*(f"{address}{name}/" for name in ("monitor", "paper", "report/quotes", "metrics", "report")))
    page.goto("/projects/songs/planner/")
    page.locator("main form button").click()
    page.wait_for_url("**rho=*")
    axe.look("a plan")
    axe.verdict()


def test_the_pages_of_judges_pass_wide_and_narrow_filled_empty_and_failed(axe, known, project, ada, page, settings):
    study = study_of(project, items=2)
    generations = tuple(each.generation for each in study.contenders.all())
    draft = protocol.create(protocol.Plan(study.snapshot, "test", generations, 2, title="Not yet"))
    rater = study.raters.get(number=1)
    while served := assignment.next_for(rater):
        voting.vote(rater, served.token, served.left_token)
    fakes = [FakeJudge("first", faults=({"refusal": "No."},) * 3).start(), FakeJudge().start()]
    settings.JUDGE_ENDPOINTS = {
        "first": fakes[0].endpoint(),
        "good": fakes[1].endpoint(),
        "dead": {"base_url": "http://127.0.0.1:9/v1", "model": "m", "backoff_s": 0},
        "moved": fakes[1].endpoint(model="another"),
    }
    runs = [judges.start(study, name, judges.Options(probes=1)) for name in settings.JUDGE_ENDPOINTS]
    settings.JUDGE_ENDPOINTS = {name: each for name, each in settings.JUDGE_ENDPOINTS.items() if name != "moved"}
    for run in runs:
        execute.judge_study(run)
    for fake in fakes:
        fake.close()
    known(ada)
    addresses = [f"/studies/{each.pk}/judges/{part}" for each in (study, draft) for part in ("", "panel/")]
    addresses += [run.get_absolute_url() for run in runs]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for address in addresses:
            axe.visit(address)
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, (address, width)
    axe.verdict()


def test_a_raters_pages_pass(axe, full, page):
    fresh, done = full["study"].raters.get(number=4), full["study"].raters.get(number=1)
    axe.visit(fresh.get_absolute_url())
    page.get_by_role("button", name="Start").click()
    page.locator("form [name=choice]").first.wait_for()
    axe.look("a pair")
    axe.visit(done.get_absolute_url())
    axe.verdict()
