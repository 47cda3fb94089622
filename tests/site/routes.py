"""The table of every route: who may ask for it by which method, and what each is told."""

from dataclasses import dataclass, field

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
