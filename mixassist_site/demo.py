"""The whole flow once, on the bundled session: recording → layer → snapshot → adapter → candidates → study → report.

Every step goes through the same launch and execute code as the pages and the workers; nothing is prepared by hand but
the recording, its transcript, the simulated raters, and the scripted judges, who are programs on this machine and no
language models; both are marked as what they are wherever they appear.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from annotation import execute as annotating
from annotation.bringing import bring_transcript
from annotation.editing import start_layer
from annotation.launch import start_snapshot
from annotation.models import Layer, MixingSession, Person, Project, Role, Snapshot
from annotation.uploading import add_recording
from evaluation import execute as judging
from evaluation import judges, protocol, simulation
from evaluation.execute import report_of
from evaluation.judging.endpoints import MARK
from evaluation.judging.scripted import ScriptedJudge
from evaluation.models import Comparison, JudgeRun, Rating, Study
from evaluation.panel import panel_of
from evaluation.reports import to_html, to_json
from mixassist_site.jobs import Job, JobError, State
from modeling import execute as modelling
from modeling.bases import named
from modeling.launch import start_generation, start_run
from modeling.models import Candidate, Generation, Source, TrainingRun
from modeling.models.base_model import TINY

BUNDLE = Path(__file__).parent / "demo_session"
SLUG = "demo"
PEOPLE = {"ada": Role.ADMIN, "ana": Role.ANNOTATOR, "rita": Role.REVIEWER}
SIMULATED_RATERS = 12
RATER_LINKS = 3
SPLIT = "test"
# One that ranks by substance, and two with a fault that the panel finds.
JUDGES = ("scripted-good", "scripted-longest", "scripted-first")
PROBES = 6  # of each kind: the fewest that the panel says something of, and a few
# Log odds with which the simulated raters prefer a source: a tiny random model that has memorised a few answers earns
# no more, and no source wins every time.
PREFERENCES = {"expert": 0.7, "adapter": 0.2, "base": -0.3}

Say = Callable[[str], None]


class DemoError(Exception):
    """A step of the demo that did not work, in its own words."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made."""

    project: Project
    session: MixingSession
    layer: Layer
    snapshot: Snapshot
    run: TrainingRun
    generations: tuple[Generation, ...]
    study: Study
    judge_runs: tuple[JudgeRun, ...]


def passwords() -> dict[str, str]:
    """A login for each person of this demo, drawn once and kept beside its data."""
    path = Path(settings.MIXASSIST_HOME) / "demo_logins.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: secrets.token_urlsafe(9) for name in PEOPLE}))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def run_demo(say: Say) -> Demo:
    """Run what has not been run yet in this home; each step is done once, so a broken-off demo goes on."""
    say("Preparing the database")
    call_command("migrate", verbosity=0)
    people, project = _people()
    say("Bringing in the bundled session")
    session, layer = _session(project, people)
    say("Freezing the reviewed layer")
    snapshot = _snapshot(project, people["ada"])
    say("Training a LoRA adapter on the tiny model (about half a minute)")
    run = _run(project, snapshot, people["ada"])
    say("Letting expert, base and adapter answer")
    generations = _generations(project, snapshot, run, people["ada"])
    say("Opening a blind study, with simulated raters")
    study = _study(project, snapshot, generations, people["ada"])
    say("Letting scripted judges judge: programs, and no language models")
    judge_runs = _judge_runs(study, people["ada"])
    return Demo(project, session, layer, snapshot, run, generations, study, judge_runs)


@contextmanager
def scripted_judges(port: int = 0) -> Iterator[dict[str, Any]]:
    """Serve the scripted judges on this machine, at this port or at any that is free, and name them in the settings."""
    try:
        served = ScriptedJudge(port=port)
    except (OSError, OverflowError):
        served = ScriptedJudge()
    named = {**settings.JUDGE_ENDPOINTS, **served.start().endpoints()}
    before, settings.JUDGE_ENDPOINTS = settings.JUDGE_ENDPOINTS, named
    try:
        yield named
    finally:
        settings.JUDGE_ENDPOINTS = before
        served.close()


def _people() -> tuple[dict[str, Person], Project]:
    people = {}
    with transaction.atomic():
        for name, password in passwords().items():
            person, fresh = Person.objects.get_or_create(username=name)
            if fresh:
                person.is_superuser = name == "ada"
                person.set_password(password)
                person.save()
            people[name] = person
        project, _ = Project.objects.get_or_create(slug=SLUG, defaults={"name": "Demo: one song, two chairs"})
        for name, role in PEOPLE.items():
            project.memberships.get_or_create(person=people[name], defaults={"role": role})
    return people, project


def _session(project: Project, people: dict[str, Person]) -> tuple[MixingSession, Layer]:
    recording, transcript = BUNDLE / "session.opus", BUNDLE / "transcript.jsonl"
    session = project.sessions.order_by("pk").first()
    if session is None:
        facts = json.loads(transcript.read_text(encoding="utf-8").splitlines()[0])
        session = add_recording(recording, recording.name, project, people["ada"], title=facts["title"]).session
        session.refresh_from_db()
    for job in session.recordings.get().ingests.order_by("pk"):
        _work(job, annotating.ingest)
    layer = session.layers.filter(kind=Layer.Kind.IMPORT).order_by("pk").first()
    if layer is None:
        layer = bring_transcript(session, transcript, title="Transcript of the bundled session", by=people["ada"])
    if layer.state == Layer.State.SUBMITTED:
        layer.review(people["rita"], "accept")
    start_layer(session, people["ana"], layer)
    return session, layer


def _snapshot(project: Project, by: Person) -> Snapshot:
    snapshot = project.snapshots.order_by("pk").first()
    if snapshot is None:
        wanted: dict[str, Any] = {"has_content": False, "topics": [], "submitted": False, "fraction": 1.0}
        snapshot = start_snapshot(project, "first", wanted, by=by)
    return _work(snapshot, annotating.snapshot)


def _run(project: Project, snapshot: Snapshot, by: Person) -> TrainingRun:
    run = project.training_runs.order_by("pk").first()
    if run is None:
        run = start_run(project=project, snapshot=snapshot, base=named(TINY), name="first adapter", by=by)
    return _work(run, modelling.train)


def _generations(
    project: Project, snapshot: Snapshot, run: TrainingRun, by: Person
) -> tuple[Generation, Generation, Generation]:
    made = []
    for source in (Source.EXPERT, Source.BASE, Source.ADAPTER):
        generation = project.generations.filter(source=source, split=SPLIT).order_by("pk").first()
        if generation is None:
            generation = start_generation(
                project=project,
                snapshot=snapshot,
                source=source,
                base=run.base if source == Source.BASE else None,
                adapter=run.adapter if source == Source.ADAPTER else None,
                split=SPLIT,
                by=by,
            )
        made.append(_work(generation, modelling.generate))
    return made[0], made[1], made[2]


def _study(project: Project, snapshot: Snapshot, generations: tuple[Generation, ...], by: Person) -> Study:
    study = project.studies.order_by("pk").first()
    if study is None:
        plan = protocol.Plan(
            snapshot=snapshot,
            split=SPLIT,
            contenders=generations,
            raters=RATER_LINKS,
            title="Whose advice helps more?",
            ratings=6,
            trials=5,
        )
        study = protocol.create(plan, by)
    if study.is_draft:
        with transaction.atomic():
            protocol.invite(study, SIMULATED_RATERS, prefix="Simulated", is_simulated=True)
            protocol.open_study(study)
    names = {generation.source_name: PREFERENCES[generation.source] for generation in generations}
    simulation.vote_all(study, seed=1, preferences=names)
    return study


def _judge_runs(study: Study, by: Person) -> tuple[JudgeRun, ...]:
    """Let each judge judge once; a run that was broken off goes on if its judge is where it was."""
    done = []
    for name in JUDGES:
        runs = study.judge_runs.filter(judge=name).order_by("pk")
        here = runs.filter(endpoint__base_url=settings.JUDGE_ENDPOINTS[name]["base_url"])
        run = runs.filter(state=State.SUCCEEDED).first() or here.first()
        done.append(_work(run or judges.start(study, name, judges.Options(probes=PROBES), by=by), judging.judge_study))
    return tuple(done)


J = TypeVar("J", bound=Job)


def _work(job: J, execute: Callable[[J], bool]) -> J:
    """Work a job here, unless it is done."""
    if job.state != State.SUCCEEDED:
        if job.is_over:
            job.retry()
        execute(job)
        job.refresh_from_db()
    if job.state != State.SUCCEEDED:
        raise DemoError(job.error_message or f"The {job.kind} is {job.state}; start the demo again to go on.")
    return job


def told(demo: Demo) -> dict[str, Any]:
    """What the demo made, for scripts; the report is written beside its data."""
    report = report_of(demo.study)
    path = Path(settings.MIXASSIST_HOME) / "reports" / f"study-{demo.study.pk}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(report), encoding="utf-8")
    candidates = Candidate.objects.filter(generation__in=demo.generations)
    by_source = {each.source: candidates.filter(generation=each).count() for each in demo.generations}
    record = demo.run.record
    return {
        "session": demo.session.pk,
        "layer": demo.layer.pk,
        "segments": demo.layer.segments.count(),
        "turns": demo.layer.turns.count(),
        "conversations": demo.layer.conversations.count(),
        "snapshot": {
            "id": demo.snapshot.pk,
            "rows": demo.snapshot.rows,
            "content_hash": demo.snapshot.content_hash,
            "path": str(demo.snapshot.path),
        },
        "training": {
            "run": demo.run.pk,
            "steps": record["steps"],
            "first_loss": record["first_loss"],
            "last_loss": record["last_loss"],
            "adapter_sha256": demo.run.adapter.sha256,
        },
        "candidates": {"count": sum(by_source.values()), "by_source": by_source},
        "study": {
            "id": demo.study.pk,
            "comparisons": Comparison.objects.filter(item__study=demo.study).count(),
            "ratings": Rating.objects.filter(assignment__rater__study=demo.study).count(),
        },
        "judges": {
            "note": MARK,
            "runs": [
                {"id": run.pk, "judge": run.judge, **{key: run.record[key] for key in ("scored", "attempted")}}
                for run in demo.judge_runs
            ],
            "panel_hash": panel_of(demo.study).input_hash,
        },
        "report": {"path": str(path), "contenders": to_json(report)["contenders"]},
    }


__all__ = ["Demo", "DemoError", "JobError", "passwords", "run_demo", "scripted_judges", "told"]
