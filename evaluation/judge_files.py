"""Judgements as files: a run as JSON lines, the replies that were bought, and results of the paper's script."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.models import Person, Project
from evaluation.errors import StudyError
from evaluation.judging import published
from evaluation.judging.abilities import Abilities
from evaluation.judging.endpoints import FINGERPRINT, MARK
from evaluation.judging.replies import Reply
from evaluation.judging.templates import TEMPLATES
from evaluation.models import JudgeAbilities, JudgeCall, JudgeReply, JudgeRun, Study, Verdict
from mixassist_site.jobs import State

HASH = re.compile(r"[0-9a-f]{64}")
MOST_BYTES = 64 * 2**20
LONGEST = 2**21


def run_lines(run: JudgeRun) -> Iterator[str]:
    """A run for other tools: its head, then every call with what was asked, said, and read out of it."""
    head = {
        "type": "run",
        "judge": run.judge,
        "family": run.family,
        "endpoint": run.endpoint,
        "scripted": run.is_scripted,
        "note": MARK if run.is_scripted else "",
        "imported": run.is_imported,
        "template": run.template,
        "template_digest": run.template_digest,
        "reference": run.reference,
        "orders": run.orders,
        "seed": run.seed,
        "study": run.study.frozen_hash,
        "record": run.record,
    }
    yield json.dumps(head, ensure_ascii=False) + "\n"
    rows = run.calls.select_related("item", "reply", "verdict").order_by("pk")
    for call in rows.iterator(chunk_size=200):
        verdict = getattr(call, "verdict", None)
        told = {
            "type": "call",
            "scripted": run.is_scripted,
            "row": call.item.row,
            "probe": call.probe,
            "number": call.number,
            "order": call.order,
            "order_index": call.order_index,
            "replicate": call.replicate,
            "repair": call.repair,
            "state": call.state,
            "reason": call.reason,
            "detail": call.detail,
            "key": call.key,
            "messages": call.messages,
            "parameters": call.parameters,
            "cached": call.is_cached,
            "cost": call.cost_nano / 1e9,
            "reply": _reply(call.reply) if call.reply else None,
            "verdict": {"said": verdict.said, "span": [verdict.start, verdict.end]} if verdict else None,
        }
        yield json.dumps(told, ensure_ascii=False) + "\n"


def cache_lines(project: Project) -> Iterator[str]:
    """Everything that was bought in a project, so that its reports can be made again without a call."""
    for able in JudgeAbilities.objects.filter(project=project).order_by("digest"):
        yield json.dumps({"type": "abilities", "digest": able.digest, "abilities": able.abilities}) + "\n"
    for reply in JudgeReply.objects.filter(project=project).order_by("key").iterator(chunk_size=200):
        told = {"type": "reply", "key": reply.key, "cost_nano": reply.cost_nano, "reply": _reply(reply)}
        if reply.fingerprint == FINGERPRINT:
            told |= {"scripted": True, "note": MARK}
        yield json.dumps(told, ensure_ascii=False) + "\n"


def import_cache(project: Project, data: bytes) -> tuple[int, int]:
    """Take replies from a file, all or none; what is here already stays. Return how many are new, and how many not."""
    if len(data) > MOST_BYTES:
        raise StudyError("too-large", f"The file has at most {MOST_BYTES >> 20} MiB; split it by its lines.")
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise StudyError("not-text", "The file is no UTF-8 text; choose an exported cache.") from None
    replies: dict[str, JudgeReply] = {}
    abilities: dict[str, JudgeAbilities] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            if told["type"] == "abilities":
                able = Abilities.from_dict(told["abilities"])
                digest = _hex(told["digest"])
                abilities[digest] = JudgeAbilities(project=project, digest=digest, abilities=able.as_dict())
            elif told["type"] == "reply":
                replies[_hex(told["key"])] = _imported(project, told)
            else:
                raise ValueError(told["type"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise StudyError("bad-line", f"Line {number} is no line of an exported cache; nothing was taken.") from None
    with transaction.atomic():
        here = set(JudgeReply.objects.filter(project=project).values_list("key", flat=True))
        fresh = [reply for key, reply in replies.items() if key not in here]
        JudgeReply.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=200)
        JudgeAbilities.objects.bulk_create(abilities.values(), ignore_conflicts=True)
    return len(fresh), len(replies) - len(fresh)


def import_published(
    study: Study, data: bytes, called: Mapping[str, str] | None = None, by: Person | None = None
) -> JudgeRun:
    """Take the rankings of the paper's script that a judge truly gave; `called` names contenders by the file's models.

    The same file is one run. Its random fall-backs are counted as left out, and never as verdicts.
    """
    if study.is_draft:
        raise StudyError("draft", "Freeze and open the study first.")
    try:
        found = published.read(data)
    except published.Unreadable as error:
        raise StudyError("unreadable", str(error)) from None
    names = list(study.contenders.order_by("pk").values_list("name", flat=True))
    by_name = {name.casefold(): name for name in names}
    called = {key.casefold(): value for key, value in (called or {}).items()}
    who = {model: by_name.get(called.get(model.casefold(), model).casefold(), "") for model in found.models}
    if missing := [model for model, name in who.items() if not name]:
        message = f"No contender is called {missing[0]}; say which it is, as “{missing[0]} = name”, one a line."
        raise StudyError("models", f"{message} Contenders: {', '.join(names)}.")
    if len(set(who.values())) < len(who):
        raise StudyError("models", "Two models of the file are the same contender; name another for one of them.")
    digest = sha256(data).hexdigest()
    earlier = JudgeRun.objects.filter(study=study, is_imported=True, record__sha256=digest).first()
    if earlier:
        return earlier
    items = {tuple(item.row.split("/", 1)[1].rsplit("/", 1)): item for item in study.items.all()}
    left_out = Counter(found.left_out)
    now = timezone.now()
    with transaction.atomic():
        run = JudgeRun.objects.create(
            project=study.project,
            study=study,
            judge=f"{found.judge} (imported)"[:80],
            template="paper",
            template_digest="published-script",
            reference="none",
            repeats=0,
            probes=0,
            seed=abs(found.seed or 0) % 2**31,
            is_imported=True,
            state=State.SUCCEEDED,
            started_at=now,
            finished_at=now,
            created_by=by,
        )
        taken: Counter[int] = Counter()
        for each in found.judged:
            item = items.get((each.conversation, each.turn))
            if item is None:
                left_out["no such row"] += 1
                continue
            if taken[item.pk]:
                left_out["row judged twice"] += 1
                continue
            taken[item.pk] += 1
            _take(run, item, each, who, digest)
        if not taken:
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(left_out.items())) or "it is empty"
            raise StudyError("nothing", f"No ranking of the file belongs to a row of this study: {why}.")
        run.done = run.total = len(taken)
        run.record = {
            "sha256": digest,
            "run_id": found.run,
            "left_out": dict(sorted(left_out.items())),
            "attempted": found.attempted,
            "scored": len(taken),
        }
        run.save(update_fields=["done", "total", "record"])
    return run


def _take(run: JudgeRun, item: Any, each: published.Judged, who: Mapping[str, str], digest: str) -> None:
    key = sha256(f"{digest}:{item.row}".encode()).hexdigest()
    kept = {"text": each.raw, "model": run.judge, "latency_ms": each.latency_ms, "is_imported": True}
    reply, _ = JudgeReply.objects.get_or_create(project=run.project, key=key, defaults=kept)
    order = [who[model] for model in each.shown]
    call = JudgeCall.objects.create(
        run=run, item=item, order=order, state=JudgeCall.State.OK, key=key, reply=reply, is_cached=True
    )
    ranking = [[f"R{order.index(who[model]) + 1}"] for model in each.models]
    Verdict.objects.create(call=call, said={"ranking": ranking}, start=each.start, end=each.end)


def _reply(reply: JudgeReply) -> dict[str, Any]:
    return {field.name: getattr(reply, field.name) for field in fields(Reply)}


def _imported(project: Project, told: Mapping[str, Any]) -> JudgeReply:
    said = told["reply"]
    texts = {name: said[name] for name in ("text", "refusal", "finish", "model", "fingerprint", "raw")}
    if not all(isinstance(text, str) and len(text) <= LONGEST and "\0" not in text for text in texts.values()):
        raise ValueError("texts")
    counts = {name: said[name] for name in ("tokens_in", "tokens_out")}
    if not all(count is None or (type(count) is int and 0 <= count < 2**31) for count in counts.values()):
        raise ValueError("counts")
    for text in texts.values():
        text.encode()  # half a character can't be kept
    cost, latency = told["cost_nano"], said["latency_ms"]
    if not (type(cost) is int and 0 <= cost < 2**62 and type(latency) is int and 0 <= latency < 2**31):
        raise ValueError("cost")
    if len(texts["finish"]) > 40 or len(texts["model"]) > 120 or len(texts["fingerprint"]) > 120:
        raise ValueError("texts")
    more = {"latency_ms": latency, "cost_nano": cost, "is_imported": True}
    return JudgeReply(project=project, key=told["key"], **texts, **counts, **more)


def _hex(said: Any) -> str:
    if not isinstance(said, str) or not HASH.fullmatch(said):
        raise ValueError("hash")
    return said


def template_of(run: JudgeRun) -> str:
    """What a run's template is called, also one that is no longer here."""
    return TEMPLATES[run.template].about if run.template in TEMPLATES else "The paper's published script."
