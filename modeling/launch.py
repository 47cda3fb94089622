"""Write the row of a run or a generation, and ring for it once it is committed."""

import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction

from annotation.models import Lane, Person, Project, Recording, Snapshot
from mixassist_site.jobs import Job, JobError, ring
from modeling import bases
from modeling.backbones.errors import TrainingError
from modeling.designs import DESIGNS, MOST_RUNS, DesignError, arms_of
from modeling.generation.config import OVER_LONG
from modeling.models import (
    Adapter,
    BaseModel,
    Experiment,
    Generation,
    Source,
    Standing,
    TrainingRun,
    Transcription,
)
from modeling.models.base_model import TINY
from modeling.training.config import TrainingConfig

SPLITS = ("train", "validation", "test")
ASKED = (Source.EXPERT, Source.BASE, Source.ADAPTER, Source.ENDPOINT)  # who is asked here; other answers are imported
MAX_ANSWERS = 16
LANGUAGE = re.compile(r"[a-z]{2,3}")
MAX_NAME = 120
COLDEST = 0.01  # below it, and above 0, logits overflow
DECODING: dict[str, tuple[type[int] | type[float], float, float]] = {  # what may be chosen: type, least, most
    "max_new_tokens": (int, 1, 1024),
    "temperature": (float, 0.0, 5.0),
    "top_p": (float, 0.01, 1.0),
    "max_turns": (int, 0, 1000),
    "max_audio_seconds": (float, 1.0, 3600.0),
}
WORDED = {"over_long": OVER_LONG}  # what may be chosen by a word


class LaunchError(JobError):
    """Why a job can't be started, in a sentence that a person can act on."""


def start_run(
    *,
    project: Project,
    snapshot: Snapshot,
    base: BaseModel,
    config: Mapping[str, Any] | None = None,
    name: str = "",
    by: Person | None = None,
    key: uuid.UUID | None = None,
) -> TrainingRun:
    """Queue the training of one adapter; `config` holds what differs from the base's preset.

    The same key twice is one run. Raises LaunchError for a snapshot, a config or a name that won't do.
    """
    if key and (earlier := TrainingRun.objects.filter(key=key, project=project).first()):
        return earlier
    require_frozen(project, snapshot, "train")
    overrides = dict(config or {})
    require_config(overrides, base)
    name = name.strip() or _free_name(project, f"{snapshot.name} on {base.key}")
    require_a_name(name)
    if Generation.objects.filter(project=project, source=Source.IMPORTED, name__iexact=name).exists():
        raise LaunchError("bad-name", f"{name} is the name of imported answers; choose another.")
    if Generation.objects.filter(project=project, source=Source.ENDPOINT, name__iexact=name).exists():
        raise LaunchError("bad-name", f"{name} is the name of a server that answered; choose another.")
    if TrainingRun.objects.filter(project=project, name=name).exists():
        raise LaunchError("name-taken", f"This project has a run called {name} already; choose another name.")
    run = TrainingRun(project=project, snapshot=snapshot, base=base, config=overrides, name=name, created_by=by)
    return _queue(run, key)


def start_experiment(
    *,
    project: Project,
    snapshot: Snapshot,
    base: BaseModel,
    design: str,
    seeds: Sequence[int] = (0, 1, 2),
    arms: Any = None,
    config: Mapping[str, Any] | None = None,
    validate_on: str = "all",
    name: str = "",
    question: str = "",
    by: Person | None = None,
    key: uuid.UUID | None = None,
) -> Experiment:
    """Queue arms × seeds as one job; `config` is what they share, `arms` those of the design "own".

    The same key twice is one experiment. Raises LaunchError for what can't be trained or compared.
    """
    if key and (earlier := Experiment.objects.filter(key=key, project=project).first()):
        return earlier
    require_frozen(project, snapshot, "train")
    require_frozen(project, snapshot, "validation")
    try:
        chosen = arms_of(design, arms)
    except DesignError as error:
        raise LaunchError("bad-design", str(error)) from None
    if not seeds or len(set(seeds)) < len(seeds):
        raise LaunchError("bad-seed", "Give at least one seed, and each once.")
    if len(chosen) * len(seeds) > MOST_RUNS:
        raise LaunchError("too-many", f"An experiment has at most {MOST_RUNS} runs; take fewer arms or fewer seeds.")
    shared = {**(config or {}), "validate_on": validate_on}
    if {"seed"} & set(shared):
        raise LaunchError("bad-seed", "The seeds are the experiment's; leave seed out of what the arms share.")
    plans = [(arm, seed, {**shared, **options, "seed": seed}) for arm, options in chosen for seed in seeds]
    for arm, _, plan in plans:
        try:
            require_config(plan, base)
        except LaunchError as error:
            raise LaunchError(error.code, f"The arm {arm} will not do. {error.message}") from None
    taken = set(Experiment.objects.filter(project=project).values_list("name", flat=True))
    stem = " ".join(name.split()) or DESIGNS[design][0]
    name = next(each for each in [stem, *(f"{stem} {n}" for n in range(2, len(taken) + 3))] if each not in taken)
    if len(name) > 60:
        raise LaunchError("bad-name", "The name of an experiment has at most 60 characters.")
    runs = [
        TrainingRun(project=project, snapshot=snapshot, base=base, arm=arm, config=plan, created_by=by,
                    name=f"{name} · {arm} · {seed}")
        for arm, seed, plan in plans
    ]  # fmt: skip
    for run in runs:
        require_a_name(run.name)
    if TrainingRun.objects.filter(project=project, name__in=[run.name for run in runs]).exists():
        raise LaunchError("name-taken", f"This project has runs of an experiment {name} already; choose another name.")
    experiment = Experiment(
        project=project,
        snapshot=snapshot,
        base=base,
        name=name,
        question=question.strip() or DESIGNS[design][1],
        design=design,
        config=shared,
        arms=[[arm, options] for arm, options in chosen],
        seeds=list(seeds),
        created_by=by,
    )
    with transaction.atomic():
        queued = _queue(experiment, key)
        if queued is experiment:
            for run in runs:
                run.experiment = experiment
            TrainingRun.objects.bulk_create(runs)
    return queued


def require_config(overrides: Mapping[str, Any], base: BaseModel) -> TrainingConfig:
    """The whole config of a run; LaunchError for one that will not do, by itself or with this base."""
    try:
        config = TrainingConfig.from_dict(overrides, base_kind=bases.kind_of(base.key))
    except TrainingError as error:
        raise LaunchError(error.code, error.sentence) from None
    family = bases.family_named(base)
    if family and config.over_long == "windows" and not family.several_clips:
        raise LaunchError(
            "bad-combination",
            f"{family.name}, the family of {base.key}, hears one clip at a time, so over_long can't be windows; "
            "choose tail or head.",
        )
    return config


def start_generation(
    *,
    project: Project,
    snapshot: Snapshot,
    source: str,
    base: BaseModel | None = None,
    adapter: Adapter | None = None,
    server: str = "",
    split: str = "test",
    answers: int = 1,
    decoding: Mapping[str, Any] | None = None,
    seed: int = 0,
    by: Person | None = None,
    key: uuid.UUID | None = None,
) -> Generation:
    """Queue the answers of one source to one split; `decoding` holds max_new_tokens, temperature, top_p, and what
    is shown where it is not the adapter's own way: over_long, max_turns, max_audio_seconds. A `server` is a key of
    the setting ANSWER_ENDPOINTS, checked by whoever calls.

    The same key twice is one generation. Raises LaunchError for what can't be answered.
    """
    if key and (earlier := Generation.objects.filter(key=key, project=project).first()):
        return earlier
    if split not in SPLITS:
        raise LaunchError("unknown-split", f"The split must be one of {', '.join(SPLITS)}, not {split}.")
    require_frozen(project, snapshot, split)
    if source == Source.ADAPTER:
        if adapter is None or adapter.project != project:
            raise LaunchError("no-adapter", "Choose an adapter of this project, or train one first.")
        if adapter.state == Standing.RETIRED:
            raise LaunchError("retired", f"The adapter {adapter.name} is retired; approve it again, or choose another.")
        base = adapter.base
    elif source == Source.BASE:
        adapter = None
        if base is None:
            raise LaunchError("no-base", "Choose a base model.")
    elif source == Source.ENDPOINT:
        base = adapter = None
        if not server:
            raise LaunchError("no-server", "Choose a server; whoever keeps the site names them in ANSWER_ENDPOINTS.")
        if TrainingRun.objects.filter(project=project, name__iexact=server).exists():
            raise LaunchError("name-taken", f"An adapter of this project is called {server} too; rename the server.")
    elif source == Source.EXPERT:
        base = adapter = None
    else:
        raise LaunchError("unknown-source", f"The source must be one of {', '.join(ASKED)}, not {source}.")
    answers = 1 if source == Source.EXPERT else answers
    if not 1 <= answers <= MAX_ANSWERS:
        raise LaunchError("bad-count", f"Ask for 1 to {MAX_ANSWERS} answers per row, not {answers}.")
    if not 0 <= seed < 2**31:
        raise LaunchError("bad-seed", "The seed must be a whole number from 0 to 2147483647.")
    chosen = _decoding(decoding or {}, answers)
    generation = Generation(
        project=project,
        snapshot=snapshot,
        split=split,
        source=source,
        base=base,
        adapter=adapter,
        name=server if source == Source.ENDPOINT else "",
        answers=answers,
        decoding={} if source == Source.EXPERT else chosen,
        seed=seed,
        created_by=by,
    )
    return _queue(generation, key)


def start_transcription(
    *,
    recording: Recording,
    language: str = "",
    lane: str = Lane.NOTE,
    by: Person | None = None,
    key: uuid.UUID | None = None,
) -> Transcription:
    """Queue the transcription of a recording by the configured model; the same key twice is one."""
    if not settings.TRANSCRIBE_MODEL:
        raise LaunchError("off", "No speech model is configured; whoever keeps the site names one in TRANSCRIBE_MODEL.")
    if language and not LANGUAGE.fullmatch(language):
        raise LaunchError("bad-language", "Give a language by its code, such as en or de, or leave it to the model.")
    asked = Transcription(
        project=recording.project,
        session=recording.session,
        recording=recording,
        model=settings.TRANSCRIBE_MODEL,
        revision=settings.TRANSCRIBE_REVISION,
        language=language,
        lane=lane,
        created_by=by,
    )
    return _queue(asked, key)


def require_frozen(project: Project, snapshot: Snapshot, split: str) -> None:
    """Refuse a snapshot of another project, one that is not built, and a split without rows."""
    if snapshot.project_id != project.pk:
        raise LaunchError("other-project", "The snapshot belongs to another project.")
    if not snapshot.is_frozen:
        raise LaunchError("not-frozen", f"The snapshot {snapshot.name} is not built; wait for it, or build another.")
    if not snapshot.counts.get(split):
        raise LaunchError(
            "empty-split", f"The {split} split of {snapshot.name} has no rows; build a snapshot of more sessions."
        )


def _decoding(values: Mapping[str, Any], answers: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name in WORDED:
            if value not in WORDED[name]:
                raise LaunchError("bad-decoding", f"The option {name} must be {' or '.join(WORDED[name])}.")
            chosen[name] = value
            continue
        if name not in DECODING:
            there = ", ".join([*DECODING, *WORDED])
            raise LaunchError("unknown-decoding", f"There is no option {name}; there are {there}.")
        kind, least, most = DECODING[name]
        if isinstance(value, bool) or not isinstance(value, (int, kind)) or not least <= value <= most:
            raise LaunchError("bad-decoding", f"The option {name} must be from {least} to {most}, got {value!r}.")
        chosen[name] = kind(value)
    if 0 < chosen.get("temperature", 0) < COLDEST:
        raise LaunchError("bad-decoding", f"The temperature is 0, or at least {COLDEST}.")
    if answers > 1 and not chosen.get("temperature"):
        if "temperature" in chosen:
            raise LaunchError("same-answers", "At temperature 0 all answers to a row are the same; raise it.")
        chosen["temperature"] = 0.7
    return chosen


def require_a_name(name: str) -> None:
    """Refuse a name under which an adapter's answers would pass for another source's."""
    if len(name) > MAX_NAME:
        raise LaunchError("bad-name", f"A name has at most {MAX_NAME} characters.")
    if "," in name or not name.isprintable():
        raise LaunchError("bad-name", "A name holds no comma and no control characters; choose another.")
    if name.casefold() in (Source.EXPERT, TINY) or BaseModel.objects.filter(key__iexact=name).exists():
        raise LaunchError("bad-name", f"{name} is the name of another source of answers; choose another.")


def _free_name(project: Project, stem: str) -> str:
    stem = " ".join("".join(sign if sign.isprintable() and sign != "," else " " for sign in stem).split())
    stem = stem[: MAX_NAME - 8]  # with room for a number
    taken = set(TrainingRun.objects.filter(project=project, name__startswith=stem).values_list("name", flat=True))
    names = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


J = TypeVar("J", bound=Job)


def queue_job(job: J, key: uuid.UUID | None = None) -> J:
    """Queue a job that another module has checked."""
    return _queue(job, key)


def _queue(job: J, key: uuid.UUID | None) -> J:
    """Insert the row and ring on commit; whoever comes second with a key gets the first one's row."""
    if key:
        job.key = key
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            transaction.on_commit(partial(ring, job))
    except IntegrityError:
        earlier = type(job)._default_manager.filter(key=job.key).first()
        if earlier is None or earlier.project != job.project:  # type: ignore[attr-defined]
            raise LaunchError("taken", "Somebody took this name just now; choose another and try again.") from None
        return earlier
    return job
