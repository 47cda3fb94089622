"""Every route, method and actor: who may, who may not (403), who may not even know (404), who logs in first."""

import gzip
import json
import re
import shutil
import uuid
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from annotation.audio.tiles import Level, Peaks, picture_name
from annotation.bringing import keep_transcript
from annotation.models import ApiToken, Derived, Ingest, Participant, Person, Project, Release, Upload
from annotation.releases.options import Options
from evaluation import assignment
from evaluation.models import JudgeRun
from modeling import bases
from modeling.launch import start_transcription
from modeling.models import Adapter
from modeling.probes import start_probe
from tests.annotation.audio.sounds import music, write
from tests.annotation.releases.frozen import freeze
from tests.conftest import homes
from tests.evaluation.analyses import analysis_of
from tests.evaluation.studies import study_of
from tests.factories import (
    LayerFactory,
    RecordingFactory,
    SegmentFactory,
    SessionFactory,
    SnapshotFactory,
    conversation,
    turn,
)
from tests.modeling.app.things import experiment_of, generation_of, run_of
from tests.people import member

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ACTORS = ("anonymous", "stranger", "annotator", "reviewer", "admin", "superuser", "rater")

MAY, LOGIN, HIDDEN, FORBIDDEN = "may", "login", "hidden", "forbidden"
OPEN = dict.fromkeys(ACTORS, MAY)
PERSON = {**OPEN, "anonymous": LOGIN, "rater": LOGIN}
MEMBER = {**PERSON, "stranger": HIDDEN}
REVIEWER = {**MEMBER, "annotator": FORBIDDEN}
ADMIN = {**REVIEWER, "reviewer": FORBIDDEN}
SUPER = {**PERSON, **dict.fromkeys(("stranger", "annotator", "reviewer", "admin"), FORBIDDEN)}
# Who administers a project, whichever.
WATCHER = {**PERSON, "annotator": FORBIDDEN, "reviewer": FORBIDDEN}
# What belongs to one person and is not there for anybody else.
ONLY = {**MEMBER, **dict.fromkeys(("stranger", "annotator", "reviewer", "admin", "superuser"), HIDDEN)}
ANA = {**ONLY, "annotator": MAY}
ADA = {**ONLY, "admin": MAY}
TRANSCRIPT = b'{"type": "segment", "lane": "expert", "start_ms": 0, "end_ms": 900, "text": "Hm?"}'


@dataclass(frozen=True)
class Route:
    """One way to ask for a route: what it names, what is sent, and who may."""

    name: str
    who: dict[str, dict[str, str]]  # method → actor → outcome; every other method is refused
    named: tuple[str, ...] = ()  # attributes of the world that the address names
    body: dict = field(default_factory=dict)
    json: bool = False


def page(name, who, *named):
    return Route(name, {"GET": who, "HEAD": who}, named)


def form(name, who, /, *named, read=None, **body):
    reading = {"GET": read, "HEAD": read} if read else {}
    return Route(name, {**reading, "POST": who}, named, body)


def api(name, who, /, *named, post=None, **body):
    reading = {"GET": who, "HEAD": who, "OPTIONS": who} if who else {}
    return Route(name, {**reading, **({"POST": post} if post else {})}, named, body, json=True)


ROUTES = [
    # the roof
    page("home", PERSON),
    Route("login", {"GET": OPEN, "HEAD": OPEN, "POST": OPEN}),
    Route("logout", {"POST": PERSON}),
    page("jobs", PERSON),
    page("job", MEMBER, "job_kind", "ingest"),
    form("job-cancellation", ADMIN, "job_kind", "ingest"),
    form("job-retry", ADMIN, "job_kind", "ingest"),
    page("healthz", OPEN),
    page("readyz", OPEN),
    # projects and people
    page("projects", PERSON),
    form("project-new", SUPER, read=SUPER),
    page("project", MEMBER, "slug"),
    form("project-settings", ADMIN, "slug", read=ADMIN),
    form("vocabulary", ADMIN, "slug", read=ADMIN),
    form("memberships", ADMIN, "slug", username="nobody", role="annotator"),
    form("membership", ADMIN, "slug", "membership", role="reviewer"),
    form("tokens", PERSON, read=PERSON),
    form("token-revocation", ANA, "token"),
    form("people", SUPER, read=SUPER),
    # sessions and layers
    form("uploads", ADMIN, "slug", read=ADMIN, name="a.wav", size="10"),
    Route("upload", {"GET": ADA, "HEAD": ADA, "PUT": ADA, "DELETE": ADA}, ("upload",)),
    form("upload-completion", ADA, "upload"),
    page("session", MEMBER, "session"),
    form("session-layers", MEMBER, "session"),
    form("session-transcripts", ADMIN, "session"),
    form("transcript", ADA, "transcript", read=ADA),
    form("transcript-removal", ADA, "transcript"),
    form("session-proposals", ADMIN, "session", amateur="recording", expert="recording"),
    form("session-removal", ADMIN, "session"),
    form("session-song", ADMIN, "session", song=""),
    form("participant-withdrawal", ADMIN, "participant"),
    page("layer", MEMBER, "imported"),
    page("layer", ANA, "draft"),
    page("layer", MEMBER | {"annotator": HIDDEN}, "handed_in"),
    page("layer-report", MEMBER, "imported"),
    page("layer-export", MEMBER, "imported"),
    page("layer-export", ANA, "draft"),
    page("layer-report", ANA, "draft"),
    page("turns", MEMBER, "slug"),
    page("conversation", MEMBER, "imported", "conversation"),
    page("conversation", ANA, "draft", "drafted"),
    form("layer-submission", MEMBER | dict.fromkeys(ACTORS[2:6], FORBIDDEN), "imported"),
    form("layer-submission", ANA, "draft"),
    form("layer-review", REVIEWER, "imported", verdict="accept"),
    form("layer-review", ANA | {"annotator": FORBIDDEN}, "draft", verdict="accept"),
    form("recording-placement", ADMIN, "recording", kind="daw", begins="1.5"),
    page("peaks-tile", MEMBER, "recording", "digest", "zero", "zero"),
    page("proxy", MEMBER, "recording", "digest"),
    page("levels", MEMBER, "recording", "digest"),
    page("spectrogram-tile", MEMBER, "recording", "digest", "zero", "zero"),
    page("clip", MEMBER, "recording", "clip_digest", "zero", "hundred"),
    # snapshots
    page("snapshots", MEMBER, "slug"),
    form("snapshot-new", ADMIN, "slug", read=ADMIN),
    page("snapshot", MEMBER, "snapshot"),
    page("snapshot-differences", MEMBER, "snapshot"),
    page("snapshot-clip", MEMBER, "snapshot", "row"),
    form("releases", ADMIN, "snapshot", read=MEMBER, format="jsonl", summary="apart", clips="as-is", audio="wav"),
    page("release", MEMBER, "release"),
    page("release-file", MEMBER, "release"),
    page("snapshot-statistics", MEMBER, "counted"),
    page("snapshot-figure", MEMBER, "counted", "figure", "svg"),
    # training and candidates
    page("runs", MEMBER, "slug"),
    form("run-new", ADMIN, "slug", read=ADMIN),
    form("transcriptions", ADMIN, "session", read=MEMBER, recording="recording", lane="note"),
    page("run", MEMBER, "run"),
    page("run-curve", MEMBER, "run"),
    page("adapter", MEMBER, "adapter"),
    page("adapter-file", MEMBER, "adapter"),
    page("adapter-folder", MEMBER, "adapter"),
    form("adapter-approval", ADMIN, "adapter"),
    form("adapter-retirement", ADMIN, "adapter"),
    page("run-comparison", MEMBER, "slug"),
    page("run-comparison-table", MEMBER, "slug"),
    page("experiments", MEMBER, "slug"),
    form("experiment-new", ADMIN, "slug", read=ADMIN),
    page("experiment", MEMBER, "experiment"),
    page("experiment-table", MEMBER, "experiment"),
    page("generations", MEMBER, "slug"),
    form("generation-new", ADMIN, "slug", read=ADMIN),
    form("generation-imports", ADMIN, "slug", read=ADMIN),
    page("generation", MEMBER, "generation"),
    form("probes", ADMIN, "slug", read=MEMBER, subject="base:tiny", clips="40"),
    page("probe", MEMBER, "probe"),
    page("workers", WATCHER),
    # studies
    page("studies", MEMBER, "slug"),
    form("study-new", ADMIN, "slug", read=ADMIN),
    page("study", MEMBER, "study"),
    form("study-opening", ADMIN, "study"),
    form("study-closing", ADMIN, "study"),
    form("study-raters", ADMIN, "study", count="1"),
    form("study-rater-revocation", ADMIN, "study", "rater_number"),
    form("study-judges", ADMIN, "study", read=REVIEWER, judge="nobody", ask="1"),
    form("study-judge-cache", ADMIN, "study", read=ADMIN),
    form("study-judge-imports", ADMIN, "study"),
    page("study-judge-panel", REVIEWER, "study"),
    page("judge-run", REVIEWER, "judge_run"),
    page("judge-run-file", REVIEWER, "judge_run"),
    page("study-report", REVIEWER, "study"),
    page("study-monitor", REVIEWER, "study"),
    page("study-export", REVIEWER, "study", "export_form"),
    form("study-panel", ADMIN, "study"),
    form("study-leaving-out", ADMIN, "study"),
    form("study-rater-exclusion", ADMIN, "study", "rater_number", rule="gold", reason="Failed."),
    form("study-analyses", REVIEWER, "study"),
    page("study-analysis", REVIEWER, "study", "analysis"),
    page("study-figure", REVIEWER, "study", "analysis", "pairs", "svg"),
    page("study-table", REVIEWER, "study", "analysis", "pairs"),
    page("study-report-file", REVIEWER, "study", "analysis", "pdf"),
    page("study-changes", REVIEWER, "study"),
    page("study-quotes", REVIEWER, "study"),
    page("study-paper", REVIEWER, "study"),
    page("planner", MEMBER, "slug"),
    form("study-metrics", ADMIN, "study", read=REVIEWER),
    # the rater's world: the token alone opens it, for whoever holds it
    page("rate", OPEN, "rater_token"),
    form("rate-visit", OPEN, "rater_token"),
    form("rate-ratings", OPEN, "rater_token", pair="pair_token", choice="both_bad"),
    page("rate-audio", OPEN, "rater_token", "audio_token"),
    form("rate-quiz", OPEN, "rater_token"),
    page("rate-last", OPEN, "rater_token"),
    form("rate-after", dict.fromkeys(ACTORS, HIDDEN), "rater_token", pair="pair_token"),  # nothing to look back on
    form("rate-rest", OPEN, "rater_token"),
    form("rate-code", OPEN, "rater_token"),
    form("rate-withdrawal", OPEN, "rater_token", read=OPEN),
    form("join", dict.fromkeys(ACTORS, HIDDEN), "wrong_token", read=dict.fromkeys(ACTORS, HIDDEN)),
    page("rate", dict.fromkeys(ACTORS, HIDDEN), "wrong_token"),
    form("rate-visit", dict.fromkeys(ACTORS, HIDDEN), "wrong_token"),
    form("rate-ratings", dict.fromkeys(ACTORS, HIDDEN), "wrong_token"),
    page("rate-audio", dict.fromkeys(ACTORS, HIDDEN), "wrong_token", "audio_token"),
    Route("rate-nowhere", dict.fromkeys(METHODS, dict.fromkeys(ACTORS, HIDDEN)), ("rater_token", "slug")),
    # the API
    api("api-schema", OPEN),
    api("api-projects", PERSON),
    api("api-project", MEMBER, "slug"),
    api("api-sessions", PERSON),
    api("api-session", MEMBER, "session"),
    api("api-session-playback", MEMBER, "session"),
    api("api-recordings", PERSON),
    api("api-session-transcripts", None, "session", post=ADMIN),
    Route("api-transcript", {"GET": ADA, "HEAD": ADA, "OPTIONS": ADA, "DELETE": ADA}, ("transcript",), json=True),
    api("api-transcript-layer", None, "transcript", post=ADA),
    api("api-recording", MEMBER, "recording"),
    api("api-recording-spectrogram", None, "recording", post=MEMBER),
    Route(
        "api-my-keys", {"GET": PERSON, "HEAD": PERSON, "OPTIONS": PERSON, "PUT": PERSON}, body={"keys": {}}, json=True
    ),
    api("api-layers", PERSON, post=MEMBER, session="session"),
    api("api-layer", MEMBER, "imported"),
    api("api-layer", ANA, "draft"),
    api("api-layer-document", MEMBER, "imported"),
    api("api-layer-document", ANA, "draft"),
    api(
        "api-layer-edits",
        MEMBER,
        "imported",
        post=MEMBER | dict.fromkeys(ACTORS[2:6], FORBIDDEN),
        base_revision=0,
        edits=[],
    ),
    api("api-layer-edits", ANA, "draft", post=ANA, base_revision=0, edits=[]),
    api("api-layer-turn-summaries", MEMBER, "imported", "turn"),
    api("api-layer-turn-summaries", ANA, "draft", "turn"),
    api(
        "api-layer-turn-drafts",
        MEMBER | dict.fromkeys(ACTORS[2:6], FORBIDDEN),
        "imported",
        "turn",
        post=MEMBER | dict.fromkeys(ACTORS[2:6], FORBIDDEN),
    ),
    api("api-layer-turn-drafts", ANA, "draft", "turn", post=ANA),
    api("api-layer-report", MEMBER, "imported"),
    api("api-layer-export", MEMBER, "imported"),
    api("api-layer-export", ANA, "draft"),
    api("api-layer-report", ANA, "draft"),
    api("api-layer-submission", None, "imported", post=MEMBER | dict.fromkeys(ACTORS[2:6], FORBIDDEN)),
    api("api-layer-submission", None, "draft", post=ANA),
    api("api-layer-review", None, "imported", post=REVIEWER, verdict="accept"),
    api("api-layer-review", None, "draft", post=ANA | {"annotator": FORBIDDEN}, verdict="accept"),
    api("api-uploads", None, post=ADMIN, project="slug", name="b.wav", size=10),
    Route("api-upload", {"GET": ADA, "HEAD": ADA, "PUT": ADA, "DELETE": ADA}, ("upload",), json=True),
    api("api-upload-completion", None, "upload", post=ADA),
    api("api-snapshots", PERSON, post=ADMIN, project="slug", name="another"),
    api("api-snapshot", MEMBER, "snapshot"),
    api("api-snapshot-preflight", None, post=ADMIN, project="slug"),
    api("api-snapshot-differences", MEMBER, "snapshot"),
    api("api-participants", PERSON),
    Route(
        "api-participant-withdrawal",
        {"OPTIONS": ADMIN, "POST": ADMIN, "DELETE": ADMIN},
        ("participant",),
        json=True,
    ),
    api("api-session-tracks", MEMBER, "session"),
    api("api-releases", PERSON, post=ADMIN, snapshot="snapshot", format="csv"),
    api("api-release", MEMBER, "release"),
    api("api-release-file", MEMBER, "release"),
    api("api-turns", PERSON),
    api("api-layer-conversations", MEMBER, "imported"),
    api("api-layer-conversations", ANA, "draft"),
    api("api-layer-conversation", MEMBER, "imported", "conversation"),
    api("api-layer-conversation", ANA, "draft", "drafted"),
    api("api-runs", PERSON, post=ADMIN, snapshot="snapshot", base="tiny", name="another"),
    api("api-run", MEMBER, "run"),
    api("api-run-metrics", MEMBER, "run"),
    api("api-run-cancellation", None, "run", post=ADMIN),
    api("api-run-retry", None, "run", post=ADMIN),
    api("api-experiments", PERSON, post=ADMIN, snapshot="snapshot", base="tiny", design="seeds", name="another"),
    api("api-experiment", MEMBER, "experiment"),
    api("api-experiment-cancellation", None, "experiment", post=ADMIN),
    api("api-experiment-retry", None, "experiment", post=ADMIN),
    api("api-adapters", PERSON),
    api("api-adapter", MEMBER, "adapter"),
    api("api-transcriptions", PERSON, post=ADMIN, recording="recording"),
    api("api-transcription", MEMBER, "transcription"),
    api("api-transcription-cancellation", None, "transcription", post=ADMIN),
    api("api-transcription-retry", None, "transcription", post=ADMIN),
    api("api-generations", PERSON, post=ADMIN, snapshot="snapshot", source="expert"),
    api(
        "api-generation-imports",
        None,
        post=ADMIN,
        snapshot="snapshot",
        name="LTU",
        answers=[{"row": "test/c/1", "answer": "Cut it."}],
    ),
    api("api-generation", MEMBER, "generation"),
    api("api-generation-cancellation", None, "generation", post=ADMIN),
    api("api-generation-retry", None, "generation", post=ADMIN),
    api("api-candidates", PERSON),
    api("api-workers", WATCHER),
    api("api-probes", PERSON, post=ADMIN, project="slug", base="tiny"),
    api("api-probe", MEMBER, "probe"),
    api("api-studies", PERSON, post=ADMIN, snapshot="snapshot", contenders=["expert", "tiny"], raters=2),
    api("api-study", MEMBER, "study"),
    api("api-study-opening", None, "study", post=ADMIN),
    api("api-study-closing", None, "study", post=ADMIN),
    api("api-study-report", REVIEWER, "study", post=REVIEWER),
    api("api-study-ratings", REVIEWER, "study"),
    api("api-study-judge-panel", REVIEWER, "study"),
    api("api-judge-runs", PERSON, post=ADMIN, study="study", judge="nobody"),
    api("api-judge-run", REVIEWER, "judge_run"),
    api("api-judge-run-verdicts", REVIEWER, "judge_run"),
    api("api-judge-run-cancellation", None, "judge_run", post=ADMIN),
    api("api-judge-run-retry", None, "judge_run", post=ADMIN),
    api("api-study-metrics", REVIEWER, "study", post=ADMIN),
]


def walk(patterns=None):
    """Every named pattern of the site."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern


def test_every_route_has_a_name_and_a_row_here():
    names = [pattern.name for pattern in walk()]
    assert all(names), "a route has no name"
    assert sorted(set(names) - {route.name for route in ROUTES}) == []
    assert sorted({route.name for route in ROUTES} - set(names)) == []


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker, tmp_path_factory):
    """One of everything, made once: each test has a transaction within this one, and a copy of the files."""
    root = tmp_path_factory.mktemp("world")
    with django_db_blocker.unblock(), override_settings(**homes(root)), transaction.atomic():
        yield root, *one_of_everything()
        transaction.set_rollback(True)


@pytest.fixture
def world(made, db, home, settings):
    """What addresses name, the people, and a rater."""
    settings.SUMMARY_DRAFTS = '{"base_url": "http://127.0.0.1:9/v1", "model": "nobody"}'
    root, *rest = made
    shutil.copytree(root, home, dirs_exist_ok=True)
    return rest


@pytest.fixture
def project(world):
    told, _, _ = world
    return Project.objects.get(slug=told["slug"])


@pytest.fixture
def ada(world):
    _, people, _ = world
    return people["admin"]


def one_of_everything():
    project = Project.objects.create(slug="songs", name="Songs")
    ana, rita, ada = (member(project, *who) for who in (("ana", "annotator"), ("rita", "reviewer"), ("ada", "admin")))
    sam = member(Project.objects.create(slug="elsewhere", name="Elsewhere"), "sam", "admin")
    sue = Person.objects.create_superuser(username="sue")
    session = SessionFactory(project=project)
    recording = RecordingFactory(session=session)
    facts = {"levels": [100], "tile_points": 8192, "base": 256, "factor": 4, "channels": 1, "rate": 8000}
    facts |= {"columns": [25], "ms_per_column": [128.0], "tile_columns": 1024, "bins": 128}
    facts |= {"low_hz": 30, "high_hz": 4000}
    folder = recording.derived_folder()
    folder.mkdir(parents=True)
    (folder / "level0.bin").write_bytes(bytes(200))
    pyramid = Peaks(8000, 25_600, 3200, 1, 1, (Level(256, 100),))
    (folder / "peaks.json").write_text(json.dumps(pyramid.as_dict()))
    (folder / "proxy.mp4").write_bytes(bytes(200))
    (folder / picture_name(0, 0)).write_bytes(bytes(200))
    (folder / "levels.json.gz").write_bytes(gzip.compress(b"{}"))
    for kind, path in (
        ("peaks", folder),
        ("proxy", folder / "proxy.mp4"),
        ("levels", folder / "levels.json.gz"),
        ("spectrogram", folder),
    ):
        where = str(path.relative_to(folder.parent.parent))
        Derived.objects.create(recording=recording, kind=kind, digest="abc", path=where, facts=facts)
    recording.path.parent.mkdir(parents=True)
    write(recording.path, music(0.2))
    kept = keep_transcript(session, "a.jsonl", [TRANSCRIPT], by=ada)
    imported = LayerFactory(session=session, state="submitted")
    SegmentFactory(layer=imported)
    study = study_of(project)
    snapshot = study.snapshot
    adapter = Adapter.objects.get()
    rater = study.raters.order_by("number").first()
    rater.start()
    pair = assignment.next_for(rater)
    draft = LayerFactory(session=session, owner=ana)
    counted = SnapshotFactory(project=project)
    freeze(counted.path)
    archive = {"file": "1/a.zip", "sha256": "b" * 64, "options": Options().as_dict()}
    release = Release.objects.create(project=project, snapshot=snapshot, state="succeeded", **archive)
    release.path.parent.mkdir(parents=True)
    release.path.write_bytes(b"PK")
    told = {
        "release": release.pk,
        "counted": counted.pk,
        "figure": "topics",
        "svg": "svg",
        "conversation": conversation(imported, [turn(imported, 0)]).uid,
        "drafted": conversation(draft, [turn(draft, 0)]).uid,
        "job_kind": "ingest",
        "ingest": Ingest.objects.create(project=project, recording=recording, makes="peaks").pk,
        "slug": project.slug,
        "membership": project.memberships.get(person=rita).pk,
        "token": ApiToken.issue(ana, "script", ["read"])[0].pk,
        "upload": Upload.objects.create(project=project, by=ada, name="a.wav", size=10).uid,
        "transcript": kept.uid,
        "session": session.pk,
        "participant": Participant.objects.create(project=project, code="E1").pk,
        "recording": recording.pk,
        "digest": "abc",
        "clip_digest": recording.clip_digest,
        "zero": 0,
        "turn": uuid.UUID(int=1),
        "hundred": 100,
        "imported": imported.pk,
        "draft": draft.pk,
        "handed_in": LayerFactory(session=session, owner=rita, state="submitted", submitted_at=timezone.now()).pk,
        "snapshot": snapshot.pk,
        "row": "test/c0/0",
        "run": run_of(snapshot, "waiting").pk,
        "adapter": adapter.pk,
        "experiment": experiment_of(snapshot).pk,
        "generation": generation_of(snapshot).pk,
        "probe": start_probe(project=project, base=bases.named("tiny")).pk,
        "transcription": start_transcription(recording=recording).pk,
        "study": study.pk,
        "export_form": "jsonl",
        "analysis": analysis_of(study).number,
        "pairs": "pairs",
        "pdf": "pdf",
        "judge_run": JudgeRun.objects.create(
            project=project, study=study, judge="o", template="listwise", template_digest="d", reference="hidden"
        ).pk,
        "rater_number": study.raters.order_by("number").last().number,
        "rater_token": rater.token,
        "pair_token": pair.token,
        "audio_token": pair.audio_token,
        "wrong_token": "A" * len(rater.token),
    }
    adapter.path.mkdir(parents=True, exist_ok=True)
    (adapter.path / "adapter_model.safetensors").write_bytes(b"weights")
    people = dict(zip(ACTORS[1:6], (sam, ana, rita, ada, sue), strict=True))
    return told, people, rater


def client_for(actor, people, rater):
    """A browser as this actor has it; a rater's has been at the rater's link and nowhere else."""
    client = Client()
    if actor in people:
        client.force_login(people[actor])
    elif actor == "rater":
        client.get(f"/rate/{rater.token}/")
    return client


def outcome(answer, route):
    """What an answer comes to."""
    if answer.status_code == 401 or (answer.status_code == 302 and answer["Location"].startswith("/login/?next=")):
        return LOGIN
    if answer.status_code in (403, 404, 405):
        return {403: FORBIDDEN, 404: HIDDEN, 405: "refused"}[answer.status_code]
    return MAY if answer.status_code < 500 or answer.status_code == 503 else f"error {answer.status_code}"


def ask(client, method, address, route, told):
    body = {name: told.get(value, value) if isinstance(value, str) else value for name, value in route.body.items()}
    if route.json:
        return client.generic(method, address, json.dumps(body, default=str), content_type="application/json")
    if method == "POST":
        return client.post(address, body)
    return client.generic(method, address, b"")


class Undone(Exception):
    """Rolls a cell back."""


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: "-".join((route.name, *route.named)))
def test_each_actor_gets_what_the_row_says_for_each_method(world, route):
    told, people, rater = world
    address = reverse(route.name, args=[told[name] for name in route.named])
    wrong = []
    for actor in ACTORS:
        client = client_for(actor, people, rater)
        for method in METHODS:
            try:
                with transaction.atomic():
                    got = outcome(ask(client, method, address, route, told), route)
                    raise Undone
            except Undone:
                pass
            if method in route.who:
                right = got == route.who[method][actor]
            else:  # nothing happens, whoever asks
                right = got in ("refused", LOGIN, HIDDEN, FORBIDDEN)
            if not right:
                wrong.append((actor, method, got, route.who.get(method, {}).get(actor, "refused")))
            if actor in people and route.name == "logout":
                client.force_login(people[actor])
    assert wrong == []


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.named and r.name.split("-")[0] not in ("rate", "job")], ids=str
)
def test_what_one_may_not_know_looks_like_what_is_not_there(world, route):
    """The answer for a foreign thing has the status and the size of the answer for a thing that never was."""
    told, people, rater = world
    foreign = reverse(route.name, args=[told[name] for name in route.named])
    first = told[route.named[0]]
    never = {int: 987_654, str: "never-was", uuid.UUID: uuid.uuid4()}[type(first)]
    missing = reverse(route.name, args=[never, *(told[name] for name in route.named[1:])])
    client = client_for("stranger", people, rater)
    for method in route.who:
        a, b = (ask(client, method, address, route, told) for address in (foreign, missing))
        plain = [re.sub(rb'(csrf|CSRF)[^>]*|nonce="[^"]*"', b"", answer.content) for answer in (a, b)]
        assert (a.status_code, len(plain[0])) == (b.status_code, len(plain[1])), method


def test_a_token_does_only_what_its_scopes_say(world, ada, project):
    _, text = ApiToken.issue(ada, "reader", ["read"])
    bearer = {"Authorization": f"Bearer {text}"}
    client = Client()
    assert client.get("/api/v1/projects/", headers=bearer).status_code == 200
    body = {"project": project.slug, "name": "by script"}
    answer = client.post("/api/v1/snapshots/", body, content_type="application/json", headers=bearer)
    assert answer.status_code == 403
    _, text = ApiToken.issue(ada, "manager", ["manage"])
    bearer = {"Authorization": f"Bearer {text}"}
    answer = client.post("/api/v1/snapshots/", body, content_type="application/json", headers=bearer)
    assert answer.status_code == 201
    assert client.get("/api/v1/projects/", headers=bearer).status_code == 403


def test_a_token_that_is_revoked_expired_or_made_up_opens_nothing(world, ada):
    token, text = ApiToken.issue(ada, "reader", ["read"])
    assert text not in str(ApiToken.objects.filter(pk=token.pk).values())
    client = Client()
    ask_with = lambda words: client.get("/api/v1/projects/", headers={"Authorization": f"Bearer {words}"})  # noqa: E731
    assert ask_with(text).status_code == 200
    assert ask_with(text + "x").status_code == 401
    ApiToken.objects.update(expires_at=timezone.now())
    assert ask_with(text).status_code == 401
    token, text = ApiToken.issue(ada, "reader", ["read"])
    token.revoke()
    assert ask_with(text).status_code == 401


def test_every_form_wants_its_csrf_token(world):
    told, people, _ = world
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["superuser"])
    for route in ROUTES:
        for method in set(route.who) & {"POST", "PUT", "DELETE"}:
            if route.name == "rate-nowhere":
                continue  # there is nothing to forge
            address = reverse(route.name, args=[told[name] for name in route.named])
            assert ask(client, method, address, route, told).status_code == 403, route.name
